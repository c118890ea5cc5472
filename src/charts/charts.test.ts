/** Pictures are well-formed, hold their data, and refuse what cannot be drawn. */
import { DOMParser, type Document } from '@xmldom/xmldom';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IdiolectError } from '../common/errors.ts';
import { type DotChart, dotChart } from './dot-chart.ts';
import { type LineChart, lineChart } from './line-chart.ts';
import { type TokenStrip, tokenStrip } from './token-strip.ts';

/** Characters XML 1.0 has a place for (its production 2); the parser itself lets others through. */
const XML_TEXT = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** Parses strictly: a warning counts as an error, but for the one that U+FFFD may be a slip. */
function parse(svg: string): Document {
  expect(svg).toMatch(XML_TEXT);
  const onError = (level: string, message: string) => {
    if (message.startsWith('Unicode replacement character')) return;
    throw new Error(`${level}: ${message}`);
  };
  return new DOMParser({ onError }).parseFromString(svg, 'image/svg+xml');
}

function all(svg: string, tag: string, of?: string) {
  return [...parse(svg).getElementsByTagName(tag)].filter(one => of === undefined || one.getAttribute('class') === of);
}

const texts = (svg: string) => all(svg, 'text').map(one => one.textContent);
const numbers = (svg: string, tag: string, of: string, name: string) =>
  all(svg, tag, of).map(one => Number(one.getAttribute(name)));

/** Where markers stand, in document order. */
function markers(svg: string): { x: number; y: number }[] {
  return all(svg, 'g', 'series').flatMap(series =>
    [...series.getElementsByTagName('path')]
      .filter(path => path.getAttribute('class') === 'marker')
      .map(path => {
        const [, x, y] = /translate\(([^,]+),([^)]+)\)/.exec(path.getAttribute('transform')!)!;
        return { x: Number(x), y: Number(y) };
      }),
  );
}

const lines: LineChart = {
  title: 'Gain <by> "rate" & method',
  x: { label: 'learning rate', type: 'log' },
  y: { label: 'nats per token' },
  series: [
    {
      name: 'C-BPO',
      points: [
        { x: 3e-3, y: 0.3, low: 0.2, high: 0.4 },
        { x: 3e-4, y: 0.1, low: 0.05, high: 0.15 },
        { x: 1e-3, y: 0.2, low: 0.1, high: 0.3 },
      ],
    },
    { name: 'BCO', points: [{ x: 1e-3, y: -0.1 }] },
  ],
};

const dots: DotChart = {
  title: 'Methods',
  value: { label: 'ROUGE-L' },
  series: [
    {
      name: 'all users',
      values: [
        { category: 'C-BPO', value: 0.02, low: 0.01, high: 0.03 },
        { category: 'BCO', value: -0.01, low: -0.02, high: 0 },
      ],
    },
  ],
};

const strip: TokenStrip = {
  value: { label: 'shift', limit: 2 },
  texts: [
    {
      label: 'record 1',
      tokens: [' a', '<b>', '"', '\n', '\u0000'],
      rows: [
        { label: 'C-BPO', values: [0, 1, -1, 2, 5] },
        { label: 'BCO', values: [0, 0, 0, 0, 0] },
      ],
    },
  ],
};

describe('lineChart', () => {
  test('has a marker for each point, joined in order of x, in the place its value says', () => {
    const found = markers(lineChart(lines));
    expect(found).toHaveLength(4);
    const xs = found.slice(0, 3).map(({ x }) => x);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    // Equal steps of value are equal steps of height; the axis rounds to hundredths of a pixel.
    const [low, middle, high] = found.map(({ y }) => y) as [number, number, number];
    expect(low).toBeGreaterThan(high);
    expect(middle - low).toBeCloseTo(high - middle, 1);
    expect(texts(lineChart(lines))).toEqual(
      expect.arrayContaining([
        lines.title,
        'learning rate',
        'nats per token',
        'C-BPO',
        'BCO',
        '3e\u22124',
        '1e\u22123',
      ]),
    );
  });

  test('intervals are bands along numbers and whiskers at names', () => {
    expect(all(lineChart(lines), 'path', 'interval')).toHaveLength(1);
    const series = lines.series.map(({ name, points }) => ({
      name,
      points: points.map(p => ({ ...p, x: `at ${p.x}` })),
    }));
    expect(all(lineChart({ ...lines, x: { label: 'x', type: 'point' }, series }), 'path', 'interval')).toHaveLength(3);
  });

  test('the diagonal meets the points where y is x', () => {
    const points = [0, 0.25, 1].map(x => ({ x, y: x }));
    const svg = lineChart({
      x: { label: 'true' },
      y: { label: 'estimated' },
      series: [{ name: 'exact', points }],
      reference: { at: 'diagonal', label: 'y = x' },
    });
    const at = (name: string) => numbers(svg, 'line', 'reference', name).at(-1);
    const found = markers(svg);
    expect([at('x1'), at('y1'), at('x2'), at('y2')]).toEqual([found[0]!.x, found[0]!.y, found[2]!.x, found[2]!.y]);
  });

  test('small multiples share their axes: the same value has the same height in each panel of a row', () => {
    const series = ['a', 'b'].map(facet => ({
      name: 'C-BPO',
      facet,
      points: [
        { x: 1, y: facet === 'a' ? 1 : 2 },
        { x: 2, y: 3 },
      ],
    }));
    const found = markers(lineChart({ x: { label: 'x' }, y: { label: 'y' }, series }));
    expect(found[1]!.y).toBe(found[3]!.y);
    expect(found[1]!.x).toBeLessThan(found[2]!.x);
  });

  test('data beyond a domain widen it: every marker is on the paper', () => {
    const svg = lineChart({ ...lines, y: { label: 'y', domain: [0, 0.1] } });
    const height = Number(parse(svg).documentElement!.getAttribute('height'));
    for (const { y } of markers(svg)) {
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(height);
    }
  });

  test.each([
    ['no series', { ...lines, series: [] }, 'there are no series'],
    ['no points', { ...lines, series: [{ name: 'a', points: [] }] }, 'there are no points in "a"'],
    ['NaN', { ...lines, series: [{ name: 'a', points: [{ x: 1, y: Number.NaN }] }] }, 'y of point 1 of "a" is NaN'],
    ['a half interval', { ...lines, series: [{ name: 'a', points: [{ x: 1, y: 1, low: 0 }] }] }, 'the high end of'],
    ['ends swapped', { ...lines, series: [{ name: 'a', points: [{ x: 1, y: 1, low: 2, high: 0 }] }] }, 'from 2 to 0'],
    ['log of zero', { ...lines, series: [{ name: 'a', points: [{ x: 0, y: 1 }] }] }, 'takes values above 0'],
    ['a name on numbers', { ...lines, series: [{ name: 'a', points: [{ x: 'b', y: 1 }] }] }, 'takes numbers'],
    ['a bent diagonal', { ...lines, reference: { at: 'diagonal' as const, label: 'y = x' } }, 'linear x axis only'],
  ])('%s is one sentence', (_, chart, problem) => {
    expect(() => lineChart(chart)).toThrow(IdiolectError);
    expect(() => lineChart(chart)).toThrow(problem);
  });
});

describe('dotChart', () => {
  test('has a dot, an interval and a name for each value, and the rule at zero', () => {
    const svg = dotChart(dots);
    const [first, second] = markers(svg);
    const [zero] = numbers(svg, 'line', 'zero', 'x1');
    expect(first!.x).toBeGreaterThan(zero!);
    expect(second!.x).toBeLessThan(zero!);
    expect(second!.y).toBeGreaterThan(first!.y);
    expect(all(svg, 'path', 'interval')).toHaveLength(2);
    expect(texts(svg)).toEqual(expect.arrayContaining(['C-BPO', 'BCO', 'ROUGE-L', 'Methods']));
  });

  test('zero is marked only where it lies in view', () => {
    const series = [
      {
        name: 'a',
        values: [
          { category: 'b', value: 100 },
          { category: 'c', value: 101 },
        ],
      },
    ];
    expect(all(dotChart({ ...dots, series }), 'line', 'zero')).toHaveLength(0);
    expect(all(dotChart({ ...dots, series, value: { label: 'v', zero: true } }), 'line', 'zero')).toHaveLength(1);
  });

  test('empty and infinite data are one sentence', () => {
    expect(() => dotChart({ ...dots, series: [{ name: 'a', values: [] }] })).toThrow('there are no values in "a"');
    const series = [{ name: 'a', values: [{ category: 'b', value: Number.POSITIVE_INFINITY }] }];
    expect(() => dotChart({ ...dots, series })).toThrow('"b" in "a" is Infinity');
  });
});

describe('tokenStrip', () => {
  const box = (svg: string, i: number) => all(svg, 'g', 'token')[i]!;
  const fill = (svg: string, i: number) => box(svg, i).getElementsByTagName('rect')[0]!.getAttribute('fill');

  test('has a box for each token and row, with what cannot be seen made visible', () => {
    const svg = tokenStrip(strip);
    const found = all(svg, 'g', 'token').map(one => one.getElementsByTagName('text')[0]!.textContent);
    const expected = ['\u00b7a', '<b>', '"', '\u21b5', '\ufffd'];
    // The line end closes a line, so the rows of the first line come before those of the second.
    expect(found).toEqual([...expected.slice(0, 4), ...expected.slice(0, 4), expected[4], expected[4]]);
  });

  test('colours: white at zero, red below, blue above, full from the limit on', () => {
    const svg = tokenStrip(strip);
    expect(fill(svg, 0)).toBe('rgb(247, 247, 247)');
    expect(fill(svg, 1)).toBe('rgb(103, 169, 207)');
    expect(fill(svg, 2)).toBe('rgb(239, 138, 98)');
    expect(fill(svg, 3)).toBe('rgb(33, 102, 172)');
    expect(fill(svg, 8)).toBe(fill(svg, 3));
    expect(texts(svg)).toEqual(expect.arrayContaining(['\u2265 2', '\u2264 \u22122']));
  });

  test('a token is at one place in all rows, and no line is wider than the paper', () => {
    const tokens = Array.from({ length: 200 }, (_, i) => ' word'.slice(0, 1 + (i % 5)));
    const values = tokens.map((_, i) => i);
    const rows = [
      { label: 'a', values },
      { label: 'b', values },
    ];
    const svg = tokenStrip({ ...strip, texts: [{ tokens, rows }], width: 400 });
    const places = all(svg, 'g', 'token').map(one => {
      const rect = one.getElementsByTagName('rect')[0]!;
      const right = Number(rect.getAttribute('x')) + Number(rect.getAttribute('width'));
      return { value: one.getElementsByTagName('title')[0]!.textContent, x: rect.getAttribute('x'), right };
    });
    expect(places).toHaveLength(400);
    expect(Math.max(...places.map(({ right }) => right))).toBeLessThanOrEqual(380);
    expect(new Set(places.map(({ value, x }) => `${value} ${x}`)).size).toBe(200);
  });

  test('values that do not match the tokens, and missing ones, are one sentence', () => {
    const rows = [{ label: 'a', values: [1] }];
    expect(() => tokenStrip({ ...strip, texts: [{ tokens: ['a', 'b'], rows }] })).toThrow('1 values for 2 tokens');
    expect(() => tokenStrip({ ...strip, texts: [{ tokens: [], rows }] })).toThrow('there are no tokens in "text 1"');
    const nan = [{ label: 'a', values: [Number.NaN] }];
    expect(() => tokenStrip({ ...strip, texts: [{ tokens: ['a'], rows: nan }] })).toThrow('token 1 of "a" of "text 1"');
    expect(() => tokenStrip({ ...strip, value: { label: 'v', limit: 0 } })).toThrow('must be above 0');
  });
});

describe('every chart', () => {
  const made = { lines: () => lineChart(lines), dots: () => dotChart(dots), strip: () => tokenStrip(strip) };

  test.each(Object.entries(made))('%s: the same data give the same bytes, without ids', (_, make) => {
    expect(make()).toBe(make());
    expect(make()).not.toMatch(/ id="|NaN|undefined|Infinity/);
  });

  test('any text in any place gives well-formed XML and comes out as it went in, but for what XML cannot hold', () => {
    const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(anyText, name => {
        parse(lineChart({ ...lines, title: name, subtitle: name, series: [{ name, points: [{ x: 1, y: 1 }] }] }));
        parse(dotChart({ ...dots, series: [{ name, values: [{ category: name, value: 1 }] }] }));
        const svg = tokenStrip({
          ...strip,
          texts: [{ label: name, tokens: [name], rows: [{ label: name, values: [1] }] }],
        });
        if (/^[\p{L}\p{P}\p{S}]+$/u.test(name)) expect(texts(svg)).toContain(name);
      }),
    );
    const hostile = '</text><script>&amp;"\'';
    expect(texts(tokenStrip({ ...strip, texts: [{ ...strip.texts[0]!, label: hostile }] }))).toContain(hostile);
  });
});
