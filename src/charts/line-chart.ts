/** Lines of measured values with 95% intervals, in one panel or in small multiples that share their axes. */
import { area, line } from 'd3-shape';
import { type Axis, linearAxis, logAxis, pointAxis } from './axes.ts';
import { type Measured, refuse, requireFinite, requireInterval, requireSome } from './checks.ts';
import { type Box, frame, namesWidth, whisker } from './frame.ts';
import { heading, type LegendItem, legend, MARGIN, markerAt, type Style, styleOf } from './look.ts';
import { element, escapeXml, INK, label, picture } from './svg.ts';

export interface LinePoint extends Measured {
  /** A number, or a name where the x axis is one of points. */
  readonly x: number | string;
  readonly y: number;
}

export interface LineSeries {
  /** Series of one name have one colour and marker, in whatever panel. */
  readonly name: string;
  /** The panel it belongs to, by its name; without, there is one panel. */
  readonly facet?: string;
  /** Joined in order of x. */
  readonly points: readonly LinePoint[];
}

export interface LineChart {
  readonly title?: string;
  readonly subtitle?: string;
  /** `point`: names in first-seen order. `domain`: what is covered at least, data beyond widen it. */
  readonly x: {
    readonly label: string;
    readonly type?: 'linear' | 'log' | 'point';
    readonly domain?: readonly [number, number];
  };
  readonly y: { readonly label: string; readonly domain?: readonly [number, number]; readonly zero?: boolean };
  readonly series: readonly LineSeries[];
  /** A dashed line: at a height, or where y = x. */
  readonly reference?: { readonly at: number | 'diagonal'; readonly label: string };
  /** Pixels, default 640. */
  readonly width?: number;
  /** Pixels of one panel, default 260. */
  readonly panelHeight?: number;
}

interface Axes {
  readonly x: Axis<number | string>;
  readonly y: Axis<number>;
}

const GAP = 24;
const NARROWEST_PANEL = 170;

/**
 * The chart as SVG text.
 *
 * @throws IdiolectError DATA where there is nothing to draw, a value is no finite number or does not fit its axis
 */
export function lineChart(chart: LineChart): string {
  check(chart);
  const { title, subtitle, series, reference, width = 640, panelHeight = 260 } = chart;
  const names = [...new Set(series.map(({ name }) => name))];
  const facets = [...new Set(series.map(({ facet }) => facet ?? ''))];
  const head = heading({ title, subtitle }, width);
  const key = legend(legendItems(names, reference), head.bottom, width);
  const parts = [...head.parts, ...key.parts];

  // The names beside the y axis do not depend on where panels are, so they are known before there are panels.
  const left = MARGIN + namesWidth(axesOf(chart, { left: 0, right: width, top: 0, bottom: panelHeight }).y);
  const perRow = Math.max(1, Math.min(facets.length, Math.floor((width - left) / (NARROWEST_PANEL + GAP))));
  const panelWidth = (width - MARGIN - left - (perRow - 1) * GAP) / perRow;
  let bottom = key.bottom + 8;
  parts.push(label(chart.y.label, 12, { x: MARGIN, y: bottom + 8, fill: INK.weak }));
  bottom += 22;
  facets.forEach((facet, place) => {
    const column = place % perRow;
    if (column === 0 && place > 0) bottom += panelHeight + GAP + 10;
    const box = {
      left: left + column * (panelWidth + GAP),
      right: left + column * (panelWidth + GAP) + panelWidth,
      top: bottom + (facets.length > 1 ? 18 : 0),
      bottom: bottom + panelHeight,
    };
    const axes = axesOf(chart, box);
    if (facets.length > 1) parts.push(label(facet, 12, { x: box.left, y: bottom + 6, 'font-weight': 'bold' }));
    const named = { x: place + perRow >= facets.length, y: column === 0 };
    parts.push(...frame(box, { ...axes, names: named, grid: { x: false, y: true } }));
    parts.push(...referenceLine(chart, axes, box));
    const drawn = series.filter(one => (one.facet ?? '') === facet);
    drawn.forEach((one, i) => {
      // Intervals at one name would cover each other, so series are side by side there.
      const aside = chart.x.type === 'point' ? (i - (drawn.length - 1) / 2) * 9 : 0;
      parts.push(drawSeries(one, axes, styleOf(names.indexOf(one.name)), chart.x.type === 'point' ? aside : undefined));
    });
  });
  bottom += panelHeight + 38;
  parts.push(
    label(chart.x.label, 12, { x: (left + width - MARGIN) / 2, y: bottom, 'text-anchor': 'middle', fill: INK.weak }),
  );
  return picture(width, bottom + MARGIN - 4, title ?? chart.y.label, parts);
}

function drawSeries({ name, points }: LineSeries, { x, y }: Axes, style: Style, aside: number | undefined): string {
  const placed = points
    .map(point => ({ x: x.place(point.x) + (aside ?? 0), y: y.place(point.y), point }))
    .sort((a, b) => a.x - b.x);
  const ranged = placed.flatMap(({ x, point: { low, high } }) =>
    low === undefined || high === undefined ? [] : [{ x, low: y.place(low), high: y.place(high) }],
  );
  const parts = [element('title', {}, escapeXml(name))];
  if (aside === undefined && ranged.length > 1) {
    const band = area<(typeof ranged)[number]>(
      ({ x }) => x,
      ({ low }) => low,
      ({ high }) => high,
    );
    const d = band.digits(2)(ranged)!;
    parts.push(element('path', { class: 'interval', d, fill: style.colour, 'fill-opacity': 0.16 }));
  } else {
    parts.push(...ranged.map(({ x, low, high }) => whisker(style.colour, [x, low], [x, high])));
  }
  const joined = line<(typeof placed)[number]>(
    ({ x }) => x,
    ({ y }) => y,
  );
  const d = joined.digits(2)(placed)!;
  parts.push(element('path', { d, fill: 'none', stroke: style.colour, 'stroke-width': 1.75 }));
  parts.push(...placed.map(({ x, y }) => markerAt(x, y, style)));
  return element('g', { class: 'series' }, ...parts);
}

function axesOf({ x, y, series, reference }: LineChart, box: Box): Axes {
  const points = series.flatMap(one => one.points);
  const heights = points.flatMap(({ y, low, high }) => (low === undefined ? [y] : [y, low, high!]));
  const range = [box.left + 8, box.right - 8] as const;
  const vertical = (more: readonly number[]) =>
    linearAxis([...heights, ...more], { ...y, range: [box.bottom, box.top], spacing: 42 });
  if (x.type === 'point') {
    const names = points.map(point => String(point.x));
    const axis = pointAxis(names, range);
    return { x: { ...axis, place: name => axis.place(String(name)) }, y: vertical(heightsOf(reference, [])) };
  }
  const numbers = [...points.map(point => point.x as number), ...(x.domain ?? [])];
  const axis = (x.type === 'log' ? logAxis : linearAxis)(numbers, { range, spacing: 70 });
  return {
    x: { ...axis, place: value => axis.place(value as number) },
    y: vertical(heightsOf(reference, numbers)),
  };
}

/** Heights the reference line reaches, which the y axis then covers too. */
function heightsOf(reference: LineChart['reference'], numbers: readonly number[]): number[] {
  if (!reference) return [];
  return reference.at === 'diagonal' ? ends(numbers) : [reference.at];
}

function ends(numbers: readonly number[]): [number, number] {
  return [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))];
}

function referenceLine({ x: { domain }, series, reference }: LineChart, { x, y }: Axes, box: Box): string[] {
  if (!reference) return [];
  const { at } = reference;
  if (at !== 'diagonal') return [dashed([box.left, y.place(at)], [box.right, y.place(at)])];
  const [from, to] = ends([
    ...series.flatMap(({ points }) => points.map(point => point.x as number)),
    ...(domain ?? []),
  ]);
  return [dashed([x.place(from), y.place(from)], [x.place(to), y.place(to)])];
}

function dashed([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): string {
  return element('line', { class: 'reference', x1, y1, x2, y2, stroke: INK.strong, 'stroke-dasharray': '5 4' });
}

function legendItems(names: readonly string[], reference: LineChart['reference']): LegendItem[] {
  const items: LegendItem[] = names.map((name, place) => {
    const style = styleOf(place);
    const stroke = { stroke: style.colour, 'stroke-width': 1.75 };
    const sign = (x: number, y: number) =>
      element('line', { x1: x, x2: x + 24, y1: y, y2: y, ...stroke }) + markerAt(x + 12, y, style);
    return { name, sign };
  });
  if (reference) items.push({ name: reference.label, sign: (x, y) => dashed([x, y], [x + 24, y]) });
  return items.length > 1 ? items : [];
}

function check({ title, x, y, series, reference }: LineChart): void {
  requireSome(title, 'series', series);
  for (const value of [...(x.domain ?? []), ...(y.domain ?? [])]) requireFinite(title, 'an end of a domain', value);
  if (typeof reference?.at === 'number') requireFinite(title, 'the reference line', reference.at);
  if (reference?.at === 'diagonal' && (x.type ?? 'linear') !== 'linear') {
    refuse(title, `y = x is a straight line on a linear x axis only, and this one is ${x.type}.`);
  }
  for (const { name, points } of series) {
    requireSome(title, `points in "${name}"`, points);
    points.forEach((point, i) => {
      const place = `point ${i + 1} of "${name}"`;
      requireFinite(title, `y of ${place}`, point.y);
      requireInterval(title, place, point);
      if (x.type === 'point') return;
      if (typeof point.x !== 'number') refuse(title, `x of ${place} is "${point.x}"; this axis takes numbers.`);
      requireFinite(title, `x of ${place}`, point.x);
      if (x.type === 'log' && point.x <= 0) {
        refuse(title, `x of ${place} is ${point.x}; a logarithmic axis takes values above 0.`);
      }
    });
  }
}
