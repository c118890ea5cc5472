/**
 * SVG as text. Presentation attributes only: no style sheet and no id, so that pictures put into one HTML page cannot
 * disturb each other, and the same data give the same bytes.
 */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const FONTS = { sans: 'Helvetica, Arial, sans-serif', mono: 'monospace' } as const;

export const INK = { strong: '#1f2328', weak: '#57606a', line: '#8c959f', grid: '#e4e7eb', paper: '#ffffff' } as const;

/**
 * Any string as XML 1.0 character data or an attribute value; what XML has no place for becomes U+FFFD, and so do marks
 * that turn the direction of all text after them.
 */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\t\n\r]/g, ' ')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"]/g, character => ENTITIES[character]!);
}

/** An element; `children` are SVG text already. Numbers are rounded to hundredths of a pixel. */
export function element(tag: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? rounded(value) : escapeXml(value!)}"`)
    .join('');
  return children.length === 0 ? `<${tag}${written}/>` : `<${tag}${written}>${children.join('')}</${tag}>`;
}

/** A line of text; `x`, `y` are its anchor and baseline. */
export function label(content: string, size: number, attributes: Attributes): string {
  return element('text', { 'font-size': size, fill: INK.strong, ...attributes }, escapeXml(content));
}

/** The whole picture on its own paper, so that it reads on a dark page as on a light one. `name` is for screen readers. */
export function picture(width: number, height: number, name: string, body: readonly string[]): string {
  const paper = element('rect', { width, height, rx: 6, fill: INK.paper });
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${rounded(width)} ${rounded(height)}`,
    role: 'img',
    'aria-label': name,
    'font-family': FONTS.sans,
  };
  return `${element('svg', attributes, '\n', [paper, ...body].join('\n'), '\n')}\n`;
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}

/** Columns a text takes in a monospaced font: East Asian characters and pictographs take two, marks none. */
export function columns(text: string): number {
  let count = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    count += /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u.test(
      character,
    )
      ? 2
      : 1;
  }
  return count;
}

/**
 * Width of a text in pixels. Fonts cannot be measured here, so these are about the widths of the widest usual
 * sans-serif (DejaVu), in em: in others a little room is left over and nothing is cut.
 */
export function textWidth(text: string, size: number): number {
  let width = 0;
  for (const character of text) {
    if (/[ijl.,:;'|!()[\]\- frtI]/.test(character)) width += 0.39;
    else if (/[mwMW@%]/.test(character)) width += 0.97;
    else width += columns(character) * (/\p{Lu}/u.test(character) ? 0.73 : 0.63);
  }
  return width * size;
}

/** A text broken at spaces into lines no wider than `width` pixels; a single longer word stays whole. */
export function wrapped(text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(word => word !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, size) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
