/** The flags of the command line, as a schema of settings tells them. */
import { z } from 'zod';
import { IdiolectError } from './errors.ts';
import { asFlags, flagName } from './wording.ts';

/** One setting as a command line shows and reads it. */
export interface Flag {
  readonly key: string;
  /** `--lora-alpha` */
  readonly name: string;
  readonly isSwitch: boolean;
  readonly isRequired: boolean;
  /** What to put after the flag: `N`, `TEXT`, `A|B`. */
  readonly placeholder: string;
  readonly description: string;
  readonly defaultText: string | undefined;
  /** The typed value of the flag's text. */
  parse(text: string): unknown;
}

/** The flags of a schema, in its order. */
export function flagsOf(schema: z.ZodObject): Flag[] {
  return Object.entries(schema.shape).map(([key, field]) => {
    const inner = unwrap(field);
    const defaultValue = (field as z.ZodType).safeParse(undefined);
    const hasDefault = defaultValue.success && defaultValue.data !== undefined;
    return {
      key,
      name: flagName(key),
      isSwitch: inner instanceof z.ZodBoolean,
      isRequired: !defaultValue.success,
      placeholder: placeholderOf(inner),
      description: asFlags((field as z.ZodType).description ?? ''),
      defaultText: hasDefault && defaultValue.data !== false ? String(defaultValue.data) : undefined,
      parse: text => parseText(inner, text, flagName(key)),
    };
  });
}

/** The type beneath defaults and optionals. */
function unwrap(field: unknown): unknown {
  return field instanceof z.ZodDefault || field instanceof z.ZodOptional ? unwrap(field.unwrap()) : field;
}

function placeholderOf(inner: unknown): string {
  if (inner instanceof z.ZodEnum) return inner.options.join('|');
  if (inner instanceof z.ZodNumber) return 'N';
  if (inner instanceof z.ZodArray) return inner.element instanceof z.ZodNumber ? 'N,N' : 'A,B';
  return 'TEXT';
}

function parseText(inner: unknown, text: string, name: string): unknown {
  if (inner instanceof z.ZodNumber) {
    const number = Number(text);
    if (text.trim() !== '' && !Number.isNaN(number)) return number;
    throw new IdiolectError('USAGE', `${name}: expected a number, found "${text}".`);
  }
  if (inner instanceof z.ZodArray) return text.split(',').map(part => parseText(inner.element, part, name));
  if (inner instanceof z.ZodUnion) {
    const takes = (kind: typeof z.ZodNumber | typeof z.ZodArray) =>
      inner.options.some(option => option instanceof kind);
    if (takes(z.ZodNumber) && /^\d+$/.test(text)) return Number(text);
    // One text or a list of names: plain names separated by commas are the list, anything else is the text.
    if (takes(z.ZodArray) && /^[\w.]+(,[\w.]+)*$/.test(text)) return text.split(',');
  }
  return text;
}
