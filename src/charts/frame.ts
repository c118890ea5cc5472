/** The frame of a panel: grid lines, axis lines, and the names of ticks. */
import { type Axis, TICK_SIZE } from './axes.ts';
import { element, INK, label, textWidth } from './svg.ts';

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface FrameOptions {
  readonly x: Axis<never>;
  readonly y: Axis<never>;
  /** Which axes have the names of their ticks here: inner panels leave them to the outer ones. */
  readonly names: { readonly x: boolean; readonly y: boolean };
  readonly grid: { readonly x: boolean; readonly y: boolean };
}

export function frame({ left, top, right, bottom }: Box, { x, y, names, grid }: FrameOptions): string[] {
  const parts: string[] = [];
  const line = (x1: number, y1: number, x2: number, y2: number, stroke: string) =>
    parts.push(element('line', { x1, y1, x2, y2, stroke }));
  for (const { at, text } of y.ticks) {
    if (grid.y) line(left, at, right, at, INK.grid);
    if (names.y) {
      parts.push(label(text, TICK_SIZE, { x: left - 7, y: at + 4, 'text-anchor': 'end', fill: INK.weak }));
    }
  }
  for (const { at, text } of x.ticks) {
    if (grid.x) line(at, top, at, bottom, INK.grid);
    line(at, bottom, at, bottom + 4, INK.line);
    if (names.x) {
      parts.push(label(text, TICK_SIZE, { x: at, y: bottom + 17, 'text-anchor': 'middle', fill: INK.weak }));
    }
  }
  line(left, bottom, right, bottom, INK.line);
  return parts;
}

/** A vertical or horizontal interval with short bars at its ends. */
export function whisker(colour: string, from: readonly [number, number], to: readonly [number, number]): string {
  const [x1, y1] = from;
  const [x2, y2] = to;
  const [dx, dy] = x1 === x2 ? [3.5, 0] : [0, 3.5];
  const move = (x: number, y: number) => `${Number(x.toFixed(2))},${Number(y.toFixed(2))}`;
  const bar = (x: number, y: number) => `M${move(x - dx, y - dy)}L${move(x + dx, y + dy)}`;
  const d = `M${move(x1, y1)}L${move(x2, y2)}${bar(x1, y1)}${bar(x2, y2)}`;
  return element('path', { class: 'interval', d, fill: 'none', stroke: colour, 'stroke-width': 1.5 });
}

/** Room the names of an axis need beside it. */
export function namesWidth(axis: Axis<never>): number {
  return Math.max(...axis.ticks.map(({ text }) => textWidth(text, TICK_SIZE))) + 9;
}
