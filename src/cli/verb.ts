/** A verb of the command line: its settings, its help, and reading its arguments strictly. */

import { parseArgs } from 'node:util';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { flagsOf } from '../common/flags.ts';
import { readInputJson } from '../common/input-file.ts';
import { didYouMean } from '../common/nearest.ts';
import { printable } from '../common/printable.ts';
import { type Resolved, resolveSettings, type SettingsLayer } from '../common/settings.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** @typeParam S the schema of its settings, which types what `run` is given */
export interface Verb<S extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly summary: string;
  /** What comes after the verb before any flag, such as `git PATH`. */
  readonly operands: readonly { readonly name: string; readonly description: string }[];
  readonly schema: S;
  /** Set where a named model is only looked at, and so is not downloaded. */
  readonly onlyLooks?: true;
  /** Shown at the end of the help. */
  readonly example: string;
  run(args: VerbArguments<S>): Promise<void>;
}

export interface VerbArguments<S extends z.ZodObject = z.ZodObject> {
  readonly resolved: Resolved<z.infer<S>>;
  readonly operands: readonly string[];
  readonly json: boolean;
  /** The file of --config. */
  readonly config?: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** A verb whose arguments are typed by its schema. */
export function defineVerb<S extends z.ZodObject>(verb: Verb<S>): Verb<S> {
  return verb;
}

/** For verbs that write files the user names. */
export const force = z.boolean().default(false).describe('replace an existing file');

/** Flags every verb has. */
const COMMON = {
  config: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export interface ParsedLine {
  readonly help: boolean;
  readonly json: boolean;
  readonly config?: string;
  readonly operands: readonly string[];
  readonly resolved: Resolved<Record<string, unknown>>;
}

/**
 * Reads a verb's arguments: defaults, then the file of --config, then flags.
 *
 * @throws IdiolectError USAGE or CONFIG naming the argument
 */
export async function parseLine(verb: Verb, args: readonly string[]): Promise<ParsedLine> {
  const flags = flagsOf(verb.schema);
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = { ...COMMON };
  for (const flag of flags) options[flag.name.slice(2)] = { type: flag.isSwitch ? 'boolean' : 'string' };
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  // parseArgs would read it as a row of one-letter flags, which is very slow, and no such flags exist.
  const row = args.find(arg => /^-[^-].{100}/s.test(arg));
  if (row !== undefined) {
    throw new IdiolectError('USAGE', `Unknown option '${printable(row)}'. See idiolect ${verb.name} --help.`);
  }
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const [first] = reasonOf(error).split('. ');
    const unknown = /^Unknown option '([^']*)'/.exec(first!)?.[1];
    const meant =
      unknown === undefined
        ? ''
        : didYouMean(
            unknown,
            Object.keys(options).map(option => `--${option}`),
          );
    throw new IdiolectError('USAGE', `${first}.${meant} See idiolect ${verb.name} --help.`);
  }
  const { values, positionals } = parsed;
  const nothing = { values: {}, origins: {} };
  if (values.help) return { help: true, json: false, operands: [], resolved: nothing };
  if (positionals.length !== verb.operands.length) {
    const wanted = verb.operands.map(({ name }) => name).join(' ') || 'no operand';
    throw new IdiolectError(
      'USAGE',
      `idiolect ${verb.name}: expected ${wanted}, found "${positionals.join(' ')}". See idiolect ${verb.name} --help.`,
    );
  }
  const layers: SettingsLayer[] = [];
  if (typeof values.config === 'string') layers.push(await configFile(values.config));
  const set = flags.flatMap(flag => {
    const value = values[flag.name.slice(2)];
    return value === undefined ? [] : [[flag.key, typeof value === 'string' ? flag.parse(value) : value] as const];
  });
  layers.push({ origin: 'flag', values: Object.fromEntries(set) });
  return {
    help: false,
    json: values.json === true,
    ...(typeof values.config === 'string' && { config: values.config }),
    operands: positionals,
    resolved: resolveSettings(verb.schema, layers),
  };
}

/** Reads a JSON object of settings, by the names used in a run folder's run.json. */
async function configFile(path: string): Promise<SettingsLayer> {
  const json = await readInputJson(path, { code: 'CONFIG' });
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return { origin: path, values: json as Record<string, unknown> };
  }
  throw new IdiolectError('CONFIG', `--config: ${path} must hold one JSON object of settings.`);
}

/**
 * Shows every setting that is not at its default, grouped by where it was set; the run folder's run.json has them all.
 */
export function showSettings({ values, origins }: Resolved<object>, terminal: Terminal): void {
  const show = (key: string) => `${key}=${JSON.stringify((values as Record<string, unknown>)[key])}`;
  const set = Object.keys(origins).filter(key => origins[key] !== 'default');
  for (const origin of new Set(set.map(key => origins[key]))) {
    const from = set.filter(key => origins[key] === origin).map(show);
    terminal.say(`${origin === 'flag' ? 'flags' : origin}: ${from.join(' ')}`);
  }
}

/** The help text, made from the schema. */
export function helpText(verb: Verb): string {
  const operands = verb.operands.map(({ name }) => ` ${name}`).join('');
  const flags = flagsOf(verb.schema).map(flag => ({
    left: flag.isSwitch ? flag.name : `${flag.name} ${flag.placeholder}`,
    right: `${flag.description}${flag.isRequired ? ' (required)' : ''}${flag.defaultText ? ` [${flag.defaultText}]` : ''}`,
  }));
  const rows = [
    ...verb.operands.map(({ name, description }) => ({ left: name, right: description })),
    ...flags,
    { left: '--config FILE', right: 'read settings from a JSON file; flags take precedence' },
    { left: '--json', right: 'print one JSON object on standard output and nothing else' },
  ];
  const width = Math.min(34, Math.max(...rows.map(({ left }) => left.length)));
  const lines = rows.map(({ left, right }) =>
    left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`,
  );
  return `${verb.summary}\n\nUsage: idiolect ${verb.name}${operands} [flags]\n\n${lines.join('\n')}\n\nExample:\n  ${verb.example}\n`;
}
