/** What charts share in looks: a palette distinguishable without colour vision, marker shapes, title and legend. */
import {
  type SymbolType,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from 'd3-shape';
import { element, INK, label, textWidth, wrapped } from './svg.ts';

/** Okabe & Ito 2008 without its yellow, which is too pale on white; grey in place of black. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#6e7781'] as const;

const MARKERS: readonly SymbolType[] = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolStar,
  symbolWye,
];

/** Space between the edge of the paper and what is on it. */
export const MARGIN = 20;

/** Parts of a picture and the y below them. */
export interface Block {
  readonly parts: readonly string[];
  readonly bottom: number;
}

export interface Heading {
  readonly title?: string;
  readonly subtitle?: string;
}

/** Colour and marker of a series, by its place. From the eighth on colours come again with other markers. */
export interface Style {
  readonly colour: string;
  readonly marker: SymbolType;
}

export function styleOf(place: number): Style {
  const round = Math.floor(place / COLOURS.length);
  return {
    colour: COLOURS[place % COLOURS.length]!,
    marker: MARKERS[(place + round) % MARKERS.length]!,
  };
}

export function markerAt(x: number, y: number, { colour, marker }: Style): string {
  const d = symbol(marker, 46).digits(2)()!;
  const transform = `translate(${Number(x.toFixed(2))},${Number(y.toFixed(2))})`;
  return element('path', { class: 'marker', d, transform, fill: colour, stroke: INK.paper, 'stroke-width': 0.75 });
}

/** Title and subtitle at the top left, broken into lines where they are long. */
export function heading({ title, subtitle }: Heading, width: number): Block {
  const parts: string[] = [];
  let bottom = MARGIN;
  const write = (text: string, size: number, attributes: Record<string, string>) => {
    for (const line of wrapped(text, size, width - 2 * MARGIN)) {
      parts.push(label(line, size, { x: MARGIN, y: bottom + size * 0.8, ...attributes }));
      bottom += size * 1.3;
    }
    bottom += 4;
  };
  if (title) write(title, 16, { 'font-weight': 'bold' });
  if (subtitle) write(subtitle, 12, { fill: INK.weak });
  return { parts, bottom: bottom + 4 };
}

export interface LegendItem {
  readonly name: string;
  /** Its sign, 24 wide, drawn with its left middle at the given place. */
  sign(x: number, y: number): string;
}

/** Legend items side by side, broken into rows where they are many. */
export function legend(items: readonly LegendItem[], top: number, width: number): Block {
  const parts: string[] = [];
  const size = 12;
  let x = MARGIN;
  let y = top + 8;
  for (const { name, sign } of items) {
    const taken = 32 + textWidth(name, size) + 14;
    if (x > MARGIN && x + taken > width - MARGIN) {
      x = MARGIN;
      y += 20;
    }
    parts.push(sign(x, y), label(name, size, { x: x + 32, y: y + 4 }));
    x += taken;
  }
  return { parts, bottom: items.length === 0 ? top : y + 20 };
}
