/** Data that cannot be drawn is refused: a picture with holes would be read as a result. */
import { IdiolectError } from '../common/errors.ts';

/** A measured value with the ends of its interval, where it has one. */
export interface Measured {
  readonly low?: number;
  readonly high?: number;
}

export function refuse(chart: string | undefined, problem: string): never {
  throw new IdiolectError('DATA', `the chart${chart ? ` "${chart}"` : ''} cannot be drawn: ${problem}`);
}

/** @throws IdiolectError DATA naming the value that is not a finite number */
export function requireFinite(chart: string | undefined, place: string, value: number): void {
  if (!Number.isFinite(value)) refuse(chart, `${place} is ${value}; every value must be a finite number.`);
}

/** @throws IdiolectError DATA where an interval has one end only, or its ends are no numbers or the wrong way round */
export function requireInterval(chart: string | undefined, place: string, { low, high }: Measured): void {
  if (low === undefined && high === undefined) return;
  requireFinite(chart, `the low end of ${place}`, low ?? Number.NaN);
  requireFinite(chart, `the high end of ${place}`, high ?? Number.NaN);
  if (low! > high!) refuse(chart, `the interval of ${place} runs from ${low} to ${high}; its low end must come first.`);
}

/** @throws IdiolectError DATA where there is nothing to draw */
export function requireSome(chart: string | undefined, what: string, items: readonly unknown[]): void {
  if (items.length === 0) refuse(chart, `there are no ${what}; at least one is needed.`);
}
