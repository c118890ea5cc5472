/** What an ablation varies: training settings and their values, crossed. */

import { z } from 'zod';
import { IdiolectError } from '../../common/errors.ts';
import { flagsOf } from '../../common/flags.ts';
import { flagName, setting } from '../../common/wording.ts';
import { folderName } from '../../runs/folder-names.ts';
import { NOT_IDENTITY, trainSchema } from '../../runs/settings.ts';

/** One setting and the values it takes, in order. */
export interface Axis {
  readonly key: string;
  readonly values: readonly AxisValue[];
}

export interface AxisValue {
  readonly text: string;
  /** undefined: the setting is left at its default. */
  readonly value: unknown;
}

/** Axes that are crossed; the first value of each makes the cell the others are compared with. */
export interface Sweep {
  readonly axes: readonly Axis[];
}

/** One combination of values. */
export interface Cell {
  /** `alpha=0.3 reference-point=ema` */
  readonly name: string;
  /** Texts of the values, by setting. */
  readonly texts: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Whether a value leaves the setting at its default; alpha is then estimated for each user. */
function isUnset(key: string, value: string): boolean {
  return value === 'default' || (key === 'alpha' && value === 'estimated');
}

export const sweepSchema = z
  .string()
  .describe(
    'settings and their values, such as "alpha=estimated,0,0.6 reference-point=ema,pooled"; the settings of one sweep are crossed, and ";" starts another sweep',
  );

/**
 * Reads sweeps written as `setting=value,value setting=value; ...`.
 *
 * @throws IdiolectError USAGE naming the setting that cannot be varied or the value that does not fit it
 */
export function parseSweeps(text: string): Sweep[] {
  const sweeps = text.split(';').flatMap(part => (part.trim() === '' ? [] : [{ axes: parseAxes(part.trim()) }]));
  if (sweeps.length > 0) return sweeps;
  throw new IdiolectError('USAGE', '`sweep` is empty: name a setting and its values, such as "alpha=0,0.3,0.6".');
}

function parseAxes(text: string): Axis[] {
  const varied = flagsOf(trainSchema).filter(({ key }) => !(NOT_IDENTITY as readonly string[]).includes(key));
  return text.split(/\s+/).map(part => {
    const [name = '', list = ''] = part.split('=', 2);
    const flag = varied.find(({ key, name: long }) => key === name || long === `--${name}`);
    if (!flag) {
      const names = varied.map(({ name: long }) => long.slice(2)).join(', ');
      throw new IdiolectError(
        'USAGE',
        `${setting('sweep')}: "${name}" is not a setting that can be varied. Choose from ${names}.`,
      );
    }
    const values = list.split(',').map(value => {
      if (isUnset(flag.key, value)) return { text: value, value: undefined };
      const typed = flag.isSwitch ? value === 'true' : flag.parse(value);
      const checked = (trainSchema.shape[flag.key as keyof typeof trainSchema.shape] as z.ZodType).safeParse(typed);
      if (checked.success) return { text: value, value: checked.data };
      throw new IdiolectError(
        'USAGE',
        `${setting('sweep')}: "${value}" is not a value of ${setting(flag.key)}: ${checked.error.issues[0]!.message.replace(/\.$/, '')}.`,
      );
    });
    return { key: flag.key, values };
  });
}

/** Every combination of a sweep's values, the first axis varying slowest. */
export function cellsOf({ axes }: Sweep): Cell[] {
  let combinations: (readonly AxisValue[])[] = [[]];
  for (const { values } of axes) {
    combinations = combinations.flatMap(before => values.map(value => [...before, value]));
  }
  return combinations.map(values => ({
    name: values.map(({ text }, i) => `${settingName(axes[i]!.key)}=${text}`).join(' '),
    texts: Object.fromEntries(values.map(({ text }, i) => [axes[i]!.key, text])),
    settings: Object.fromEntries(values.map(({ value }, i) => [axes[i]!.key, value])),
  }));
}

/** `auxiliaryRatio` as `auxiliary-ratio`. */
export function settingName(key: string): string {
  return flagName(key).slice(2);
}

/** `alpha=0.3+reference-point=ema`; a name with other characters is encoded as users' names are. */
export function cellFolder({ name }: Cell): string {
  const plain = name.replaceAll(' ', '+');
  return /^[\w.=+-]+$/.test(plain) ? plain : folderName(name);
}
