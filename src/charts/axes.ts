/** Axes: where values go, which of them are named, and how numbers are written. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { textWidth } from './svg.ts';

export interface Tick {
  readonly at: number;
  readonly text: string;
}

export interface Axis<Value> {
  /** Pixel of a value. */
  place(value: Value): number;
  /** In order of values. */
  readonly ticks: readonly Tick[];
}

export interface NumberAxisOptions {
  /** Pixels of the smallest and the largest value. */
  readonly range: readonly [number, number];
  /** What the axis covers at least; data beyond widen it, so that none is ever cut. */
  readonly domain?: readonly [number, number];
  /** Whether zero is shown whatever the data. */
  readonly zero?: boolean;
  /** Pixels between named values, about. */
  readonly spacing: number;
}

export const TICK_SIZE = 11;

/** The smallest and the largest of some numbers; a single value is given room on both sides. */
function extent(values: readonly number[], { domain, zero }: Partial<NumberAxisOptions>): [number, number] {
  const all = [...values, ...(domain ?? []), ...(zero ? [0] : [])];
  const low = all.reduce((a, b) => Math.min(a, b));
  const high = all.reduce((a, b) => Math.max(a, b));
  if (low < high) return [low, high];
  const room = Math.abs(low) * 0.1 || 1;
  return [low - room, high + room];
}

export function linearAxis(values: readonly number[], options: NumberAxisOptions): Axis<number> {
  const [first, last] = options.range;
  const count = Math.max(2, Math.round(Math.abs(last - first) / options.spacing));
  const scale = scaleLinear(extent(values, options), [first, last]).nice(count);
  const format = scale.tickFormat(count);
  return { place: value => scale(value), ticks: scale.ticks(count).map(at => ({ at: scale(at), text: format(at) })) };
}

/** A few distinct values are named themselves, as far as there is room; otherwise powers of ten are. */
export function logAxis(values: readonly number[], options: NumberAxisOptions): Axis<number> {
  const [low, high] = extent(values, { domain: options.domain });
  const scale = scaleLog([low > 0 ? low : high / 10, high], [...options.range]);
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const own = distinct.map(value => ({ at: scale(value), text: shortNumber(value) }));
  const fits = own.every(({ at, text }, i) => {
    const next = own[i + 1];
    return !next || next.at - at > (textWidth(text, TICK_SIZE) + textWidth(next.text, TICK_SIZE)) / 2 + 6;
  });
  const powers = scale.ticks().filter(value => Number.isInteger(Number(Math.log10(value).toFixed(9))));
  return {
    place: value => scale(value),
    ticks: fits || powers.length < 2 ? own : powers.map(value => ({ at: scale(value), text: shortNumber(value) })),
  };
}

/** Names at equal distances, in first-seen order, half a step from both ends. */
export function pointAxis(names: readonly string[], range: readonly [number, number]): Axis<string> {
  const places = [...new Set(names)];
  const step = (range[1] - range[0]) / places.length;
  const place = (name: string) => range[0] + (places.indexOf(name) + 0.5) * step;
  return { place, ticks: places.map(name => ({ at: place(name), text: name })) };
}

/** At most four digits; very small and very large ones with an exponent: `0.25`, `3e-4`, `12,800`. The minus is U+2212. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  const plain = Number(value.toPrecision(4));
  const text =
    value !== 0 && (size < 1e-2 || size >= 1e6)
      ? plain.toExponential().replace('e+', 'e')
      : plain.toLocaleString('en-US', { maximumFractionDigits: 6 });
  return text.replaceAll('-', '\u2212');
}
