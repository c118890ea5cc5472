/** Settings from several places under one zod object: what each value is and where it came from. */
import type { z } from 'zod';
import { IdiolectError } from './errors.ts';
import { didYouMean } from './nearest.ts';
import { printable } from './printable.ts';
import { setting } from './wording.ts';

/** `default`, or the name of the layer that set the value, such as `flag` or a configuration file. */
export type Origin = string;

export interface Resolved<T> {
  readonly values: T;
  readonly origins: Readonly<Record<string, Origin>>;
}

export interface SettingsLayer {
  readonly origin: Origin;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Merges layers, later ones over earlier ones, and checks the result.
 *
 * @throws IdiolectError CONFIG naming the setting, what it must be and where it was set
 */
export function resolveSettings<S extends z.ZodObject>(
  schema: S,
  layers: readonly SettingsLayer[],
): Resolved<z.infer<S>> {
  const merged: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const { origin, values } of layers) {
    for (const [key, value] of Object.entries(values)) {
      if (!Object.hasOwn(schema.shape, key)) {
        const known = Object.keys(schema.shape);
        const meant = didYouMean(key, known) || ` Settings are ${known.join(', ')}.`;
        const details = { field: key, expected: `one of ${known.join(', ')}` };
        throw new IdiolectError('CONFIG', `${origin}: there is no setting "${printable(key)}".${meant}`, { details });
      }
      if (value === undefined) continue;
      merged[key] = value;
      origins[key] = origin;
    }
  }
  const parsed = schema.safeParse(merged);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const key = String(issue.path[0] ?? '');
    if (!Object.hasOwn(merged, key)) {
      const { description } = schema.shape[key] as z.ZodType;
      const details = { field: key, expected: description! };
      throw new IdiolectError('CONFIG', `${setting(key)} is missing: ${description}.`, { details });
    }
    const found = JSON.stringify(merged[key]);
    const expected = sentence(issue.message);
    throw new IdiolectError('CONFIG', `${setting(key)}: ${expected} Found ${found} (${origins[key]}).`, {
      details: { field: key, expected, found },
    });
  }
  for (const key of Object.keys(schema.shape)) origins[key] ??= 'default';
  return { values: parsed.data as z.infer<S>, origins };
}

/** Settings as a caller gives them: plain, with what has a default left out, or resolved already. */
export type Given<S extends z.ZodObject> = z.input<S> | Resolved<z.infer<S>>;

/** @throws IdiolectError CONFIG as `resolveSettings` does */
export function resolveGiven<S extends z.ZodObject>(schema: S, given: Given<S>): Resolved<z.infer<S>> {
  if ('values' in given && 'origins' in given) return given as Resolved<z.infer<S>>;
  return resolveSettings(schema, [{ origin: 'call', values: given }]);
}

interface ChildOptions {
  /** Where the record of the child says that the parent's values come from. */
  readonly origin: string;
  /** Settings taken over (default: all that both have). */
  readonly keys?: readonly string[];
  /** The child's own settings, which win. */
  readonly layers?: readonly SettingsLayer[];
}

/**
 * The settings of a job that is part of another: what the parent was given and the child has too, then the child's own.
 * What the parent left at its default is left at the child's.
 *
 * @throws IdiolectError CONFIG as `resolveSettings` does
 */
export function childSettings<S extends z.ZodObject>(
  schema: S,
  parent: Resolved<object>,
  { origin, keys = Object.keys(schema.shape), layers = [] }: ChildOptions,
): Resolved<z.infer<S>> {
  const values = parent.values as Readonly<Record<string, unknown>>;
  const taken = keys.filter(key => key in values && parent.origins[key] !== 'default');
  const shared = Object.fromEntries(taken.map(key => [key, values[key]]));
  return resolveSettings(schema, [{ origin, values: shared }, ...layers]);
}

function sentence(message: string): string {
  return `${message.replace(/^[A-Z][\w ]*: /, '').replace(/\.$/, '')}.`;
}
