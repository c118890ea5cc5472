/** HTML as text: a template that escapes whatever is put into it, and the few shapes every section is made of. */
import { escapeXml } from '../../charts/svg.ts';

/** Markup that is safe as it is. Anything else is text and is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Html[];

/** Markup with values in it; strings are escaped, so that no text of a user or a method can become markup. */
export function html(markup: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const written = parts.map(part => {
    if (part instanceof Html) return part.text;
    if (typeof part === 'object') return part.map(({ text }) => text).join('');
    return escapeXml(String(part));
  });
  return new Html(String.raw({ raw: markup }, ...written));
}

export const NOTHING = new Html('');

/** A section of the page; `id` is where the list of contents leads. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: readonly Html[];
}

export interface TableOptions {
  readonly caption: string;
  /** Column heads; `number` columns are aligned to the right. */
  readonly heads: readonly { readonly text: string; readonly number?: boolean }[];
  /** The first cell of a row heads it. */
  readonly rows: readonly (readonly (string | Html)[])[];
}

/** A plain table. Wide ones scroll inside their own box, which the keyboard reaches too. */
export function table({ caption, heads, rows }: TableOptions): Html {
  const classOf = (column: number) => (heads[column]?.number ? 'number' : 'text');
  const head = heads.map(({ text }, column) => html`<th scope="col" class="${classOf(column)}">${text}</th>`);
  const body = rows.map(
    ([first = '', ...others]) =>
      html`<tr><th scope="row" class="text">${first}</th>${others.map((cell, i) => html`<td class="${classOf(i + 1)}">${cell}</td>`)}</tr>\n`,
  );
  return scrolling(
    caption,
    html`<table><caption>${caption}</caption>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body}</tbody></table>`,
  );
}

/** A box that scrolls sideways where its content is wider than the page. */
export function scrolling(name: string, content: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">${content}</div>\n`;
}

/** A chart under its title. */
export function figure(title: string, svg: string): Html {
  return html`<figure><figcaption>${title}</figcaption>${new Html(svg)}</figure>\n`;
}

export function folded(summary: string, ...body: readonly Html[]): Html {
  return html`<details><summary>${summary}</summary>\n${body}</details>\n`;
}

/** Charts side by side: the first three in sight, the others folded. */
export function charts(figures: readonly Html[]): Html[] {
  const shown = 3;
  const grid = (some: readonly Html[]) => html`<div class="charts">${some}</div>\n`;
  const others = figures.slice(shown);
  return [
    grid(figures.slice(0, shown)),
    ...(others.length > 0 ? [folded(counted(others.length, 'more chart'), grid(others))] : []),
  ];
}

/** `1 user`, `12 users`, `1,200 queries`. */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
