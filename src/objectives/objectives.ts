/** The objectives a run can be trained by: the built-in ones, and what one of a caller's own has to say of itself. */

import type { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { setting } from '../common/wording.ts';
import type { RecordNeed } from '../histories/user-records.ts';
import { bco } from './bco.ts';
import { cbpo, type cbpoSchema } from './cbpo.ts';
import { dpo } from './dpo.ts';
import { kto } from './kto.ts';
import type { Objective } from './objective.ts';
import { sft } from './sft.ts';

/** What a run gives an objective: the settings that shape a loss, and the user's alpha (0 where it has none). */
export type ObjectiveSettings = z.infer<typeof cbpoSchema> & { readonly alpha: number };

/** An objective as a run uses it. */
export interface TrainableObjective {
  /** What `method` calls it: letters, digits, `-` and `_`. */
  readonly name: string;
  /** The records it is computed from. */
  readonly records: RecordNeed;
  /** Whether each user's alpha is estimated where none is given. */
  readonly usesAlpha?: boolean;
  /** What differs between users may change inputs of the graph, never the signature. */
  create(settings: ObjectiveSettings): Objective;
}

const BUILT_IN: readonly TrainableObjective[] = [
  { name: 'cbpo', records: 'others', usesAlpha: true, create: cbpo },
  { name: 'bco', records: 'others', create: bco },
  { name: 'kto', records: 'others', create: kto },
  { name: 'dpo', records: 'pairs', create: dpo },
  { name: 'sft', records: 'own', create: sft },
];

export const OBJECTIVE_NAMES: readonly string[] = BUILT_IN.map(({ name }) => name);

/**
 * The objective of a name, among the built-in ones and the caller's own.
 *
 * @throws IdiolectError CONFIG where there is none, or where one of the caller's has no usable name or a built-in one's
 */
export function objectiveNamed(name: string, own: readonly TrainableObjective[] = []): TrainableObjective {
  const all = [...BUILT_IN, ...own];
  for (const { name: given } of own) {
    if (/^[\w-]{1,40}$/.test(given) && all.filter(one => one.name === given).length === 1) continue;
    throw new IdiolectError(
      'CONFIG',
      `an objective of your own is called "${printable(given)}". Give it a name of up to 40 letters, digits, - and _ that no other objective has (${OBJECTIVE_NAMES.join(', ')} are built in).`,
    );
  }
  const found = all.find(one => one.name === name);
  if (found) return found;
  throw new IdiolectError(
    'CONFIG',
    `${setting('method')}: there is no objective "${printable(name)}". There are ${all.map(one => one.name).join(', ')}.`,
  );
}

/** Whether it is the caller's own, of which a run knows nothing but what it says. */
export function isBuiltIn({ name }: TrainableObjective): boolean {
  return OBJECTIVE_NAMES.includes(name);
}
