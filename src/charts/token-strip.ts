/** Texts token by token: each token a box, coloured by a signed value, with one row for each thing compared. */
import { scaleLinear } from 'd3-scale';
import { shortNumber, TICK_SIZE } from './axes.ts';
import { refuse, requireFinite, requireSome } from './checks.ts';
import { heading, MARGIN } from './look.ts';
import { columns, element, FONTS, INK, label, picture, textWidth } from './svg.ts';

export interface TokenRow {
  readonly label: string;
  /** One for each token of the text. */
  readonly values: readonly number[];
}

export interface TokenText {
  /** Which text it is; shown above it. */
  readonly label?: string;
  /** Token by token, with the spaces and line ends they carry. */
  readonly tokens: readonly string[];
  readonly rows: readonly TokenRow[];
}

export interface TokenStrip {
  readonly title?: string;
  readonly subtitle?: string;
  /** What the values are, with their unit. */
  readonly value: {
    readonly label: string;
    /** The size of value that has the full colour; larger ones have it too. Default: the largest size there is. */
    readonly limit?: number;
  };
  readonly texts: readonly TokenText[];
  /** Pixels, default 760. */
  readonly width?: number;
}

/** Red below zero, blue above (ColorBrewer RdBu, distinguishable without colour vision). */
const COLOURS = ['#b2182b', '#ef8a62', '#f7f7f7', '#67a9cf', '#2166ac'];

const SIZE = 12;
const COLUMN = SIZE * 0.602;
const BOX = 20;
const LEGEND = { width: 220, height: 10, steps: 44 } as const;

/**
 * The picture as SVG text. Texts are broken into lines; the rows of a line are one below the other, so that a token
 * is at one place in all of them. Spaces show as a middle dot, line ends as an arrow.
 *
 * @throws IdiolectError DATA where there is nothing to draw or a token has no finite value
 */
export function tokenStrip(strip: TokenStrip): string {
  check(strip);
  const { title, subtitle, value, texts, width = 760 } = strip;
  const largest = texts
    .flatMap(({ rows }) => rows.flatMap(({ values }) => values))
    .reduce((size, one) => Math.max(size, Math.abs(one)), 0);
  const limit = value.limit ?? (largest || 1);
  const shade = scaleLinear<string>()
    .domain([-limit, -limit / 2, 0, limit / 2, limit])
    .range(COLOURS)
    .clamp(true);
  const head = heading({ title, subtitle }, width);
  const parts = [...head.parts, ...colourLegend(value.label, limit, largest > limit, shade, head.bottom)];
  let bottom = head.bottom + 52;

  const names = texts.flatMap(({ rows }) => rows.map(row => row.label));
  const left = MARGIN + Math.max(...names.map(name => textWidth(name, TICK_SIZE))) + 10;
  for (const text of texts) {
    if (text.label) {
      parts.push(label(text.label, SIZE, { x: MARGIN, y: bottom + 4, 'font-weight': 'bold' }));
      bottom += 16;
    }
    for (const { from, to } of lines(text.tokens, width - MARGIN - left)) {
      for (const row of text.rows) {
        const middle = bottom + BOX / 2 + 4;
        parts.push(label(row.label, TICK_SIZE, { x: left - 8, y: middle, 'text-anchor': 'end', fill: INK.weak }));
        let x = left;
        for (let i = from; i < to; i++) {
          parts.push(tokenBox(text.tokens[i]!, row.values[i]!, { x, y: bottom, limit, shade }));
          x += boxWidth(text.tokens[i]!);
        }
        bottom += BOX + 2;
      }
      bottom += 8;
    }
    bottom += 10;
  }
  return picture(width, bottom - 18 + MARGIN, title ?? value.label, parts);
}

/** What of a token cannot be seen, made visible. */
function visible(token: string): string {
  return token
    .replaceAll('\r\n', '\u21b5')
    .replace(/[\n\r]/g, '\u21b5')
    .replaceAll('\t', '\u2192')
    .replaceAll(' ', '\u00b7');
}

function boxWidth(token: string): number {
  return Math.max(1, columns(visible(token))) * COLUMN + 5;
}

/** Where a line is full, and after a token that ends one itself. */
function lines(tokens: readonly string[], room: number): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  let from = 0;
  let taken = 0;
  tokens.forEach((token, i) => {
    const width = boxWidth(token);
    const ended = i > from && /[\n\r]$/.test(tokens[i - 1]!);
    if (i > from && (ended || taken + width > room)) {
      found.push({ from, to: i });
      from = i;
      taken = 0;
    }
    taken += width;
  });
  return [...found, { from, to: tokens.length }];
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly limit: number;
  readonly shade: (value: number) => string;
}

function tokenBox(token: string, value: number, { x, y, limit, shade }: Place): string {
  const width = boxWidth(token) - 1;
  // White letters on the darkest shades: from here on they have the higher contrast of the two.
  const ink = Math.abs(value) > 0.8 * limit ? INK.paper : INK.strong;
  const middle = { x: x + width / 2, y: y + BOX / 2 + 4, 'text-anchor': 'middle' };
  return element(
    'g',
    { class: 'token' },
    element('title', {}, shortNumber(value)),
    element('rect', { x, y, width, height: BOX, rx: 2, fill: shade(value) }),
    label(visible(token), SIZE, { ...middle, 'font-family': FONTS.mono, fill: ink }),
  );
}

function colourLegend(
  name: string,
  limit: number,
  beyond: boolean,
  shade: (value: number) => string,
  top: number,
): string[] {
  const step = LEGEND.width / LEGEND.steps;
  const swatches = Array.from({ length: LEGEND.steps }, (_, i) =>
    element('rect', {
      x: MARGIN + i * step,
      y: top,
      // A hair wider than the step, as neighbours would else show the paper between them.
      width: i === LEGEND.steps - 1 ? step : step + 0.5,
      height: LEGEND.height,
      fill: shade(limit * ((2 * (i + 0.5)) / LEGEND.steps - 1)),
    }),
  );
  const ends = [
    { at: 0, text: `${beyond ? '\u2264 ' : ''}${shortNumber(-limit)}`, anchor: 'start' },
    { at: 0.5, text: '0', anchor: 'middle' },
    { at: 1, text: `${beyond ? '\u2265 ' : ''}${shortNumber(limit)}`, anchor: 'end' },
  ];
  const below = ends.map(({ at, text, anchor }) =>
    label(text, TICK_SIZE, {
      x: MARGIN + at * LEGEND.width,
      y: top + LEGEND.height + 14,
      'text-anchor': anchor,
      fill: INK.weak,
    }),
  );
  const beside = label(name, TICK_SIZE + 1, { x: MARGIN + LEGEND.width + 12, y: top + 9, fill: INK.weak });
  return [...swatches, ...below, beside];
}

function check({ title, value, texts }: TokenStrip): void {
  requireSome(title, 'texts', texts);
  if (value.limit !== undefined && !(value.limit > 0 && Number.isFinite(value.limit))) {
    refuse(title, `the limit of its colours is ${value.limit}; it must be above 0.`);
  }
  texts.forEach(({ label, tokens, rows }, place) => {
    const name = label ?? `text ${place + 1}`;
    requireSome(title, `tokens in "${name}"`, tokens);
    requireSome(title, `rows for "${name}"`, rows);
    for (const row of rows) {
      if (row.values.length !== tokens.length) {
        refuse(title, `"${row.label}" of "${name}" has ${row.values.length} values for ${tokens.length} tokens.`);
      }
      row.values.forEach((one, i) => {
        requireFinite(title, `token ${i + 1} of "${row.label}" of "${name}"`, one);
      });
    }
  });
}
