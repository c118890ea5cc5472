/** Values by category with 95% intervals, one row each: methods side by side, effects against zero. */
import { linearAxis, pointAxis } from './axes.ts';
import { type Measured, requireFinite, requireInterval, requireSome } from './checks.ts';
import { frame, whisker } from './frame.ts';
import { heading, type LegendItem, legend, MARGIN, markerAt, styleOf } from './look.ts';
import { element, escapeXml, INK, label, picture, textWidth, wrapped } from './svg.ts';

export interface DotValue extends Measured {
  readonly category: string;
  readonly value: number;
}

export interface DotSeries {
  readonly name: string;
  readonly values: readonly DotValue[];
}

export interface DotChart {
  readonly title?: string;
  readonly subtitle?: string;
  /** What the values are, with their unit. Zero is marked where it is in view; `zero` brings it into view. */
  readonly value: { readonly label: string; readonly domain?: readonly [number, number]; readonly zero?: boolean };
  /** Categories are listed from top to bottom in first-seen order; series of one category one below the other. */
  readonly series: readonly DotSeries[];
  /** Pixels, default 640. */
  readonly width?: number;
}

const NAME_SIZE = 12;
const ROW = 30;
const BESIDE = 13;

/**
 * The chart as SVG text.
 *
 * @throws IdiolectError DATA where there is nothing to draw or a value is no finite number
 */
export function dotChart(chart: DotChart): string {
  check(chart);
  const { title, subtitle, value, series, width = 640 } = chart;
  const categories = [...new Set(series.flatMap(({ values }) => values.map(({ category }) => category)))];
  const head = heading({ title, subtitle }, width);
  const key = legend(legendItems(series), head.bottom, width);

  const room = width * 0.4;
  const lines = categories.map(category => wrapped(category, NAME_SIZE, room));
  const left = MARGIN + Math.max(0, ...lines.flat().map(line => textWidth(line, NAME_SIZE))) + 10;
  const most = Math.max(1, ...lines.map(({ length }) => length));
  const step = Math.max(ROW + (series.length - 1) * BESIDE, most * NAME_SIZE * 1.25 + 8);
  const top = key.bottom + 8;
  const box = { left, right: width - MARGIN - 8, top, bottom: top + step * categories.length };
  const numbers = series.flatMap(({ values }) =>
    values.flatMap(({ value, low, high }) => (low === undefined ? [value] : [value, low, high!])),
  );
  const x = linearAxis(numbers, { ...value, range: [box.left + 8, box.right - 8], spacing: 70 });
  const y = pointAxis(categories, [box.top, box.bottom]);

  const parts = [...head.parts, ...key.parts];
  parts.push(...frame(box, { x, y, names: { x: true, y: false }, grid: { x: true, y: false } }));
  const zero = x.place(0);
  if (zero >= box.left && zero <= box.right) {
    const ends = { x1: zero, x2: zero, y1: box.top, y2: box.bottom };
    parts.push(element('line', { class: 'zero', ...ends, stroke: INK.strong }));
  }
  categories.forEach((category, place) => {
    lines[place]!.forEach((line, i, all) => {
      const baseline = y.place(category) + 4 + (i - (all.length - 1) / 2) * NAME_SIZE * 1.25;
      parts.push(label(line, NAME_SIZE, { x: left - 10, y: baseline, 'text-anchor': 'end' }));
    });
  });
  series.forEach(({ name, values }, place) => {
    const style = styleOf(place);
    const below = (place - (series.length - 1) / 2) * BESIDE;
    const drawn = values.flatMap(({ category, value, low, high }) => {
      const height = y.place(category) + below;
      const dot = markerAt(x.place(value), height, style);
      if (low === undefined || high === undefined) return [dot];
      return [whisker(style.colour, [x.place(low), height], [x.place(high), height]), dot];
    });
    parts.push(element('g', { class: 'series' }, element('title', {}, escapeXml(name)), ...drawn));
  });
  const bottom = box.bottom + 38;
  const middle = { x: (box.left + box.right) / 2, y: bottom, 'text-anchor': 'middle', fill: INK.weak };
  parts.push(label(value.label, 12, middle));
  return picture(width, bottom + MARGIN - 4, title ?? value.label, parts);
}

function legendItems(series: readonly DotSeries[]): LegendItem[] {
  if (series.length === 1) return [];
  return series.map(({ name }, place) => {
    const style = styleOf(place);
    const sign = (x: number, y: number) => whisker(style.colour, [x, y], [x + 24, y]) + markerAt(x + 12, y, style);
    return { name, sign };
  });
}

function check({ title, value, series }: DotChart): void {
  requireSome(title, 'series', series);
  for (const end of value.domain ?? []) requireFinite(title, 'an end of the domain', end);
  for (const { name, values } of series) {
    requireSome(title, `values in "${name}"`, values);
    for (const one of values) {
      const place = `"${one.category}" in "${name}"`;
      requireFinite(title, place, one.value);
      requireInterval(title, place, one);
    }
  }
}
