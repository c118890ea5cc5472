/** Tables of Markdown that can be read raw as well (columns padded to one width), and names from data inside Markdown. */
import { printable } from '../common/printable.ts';

/** @param rows as many cells each as the head has */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map(cells => cells.map(markdownCell));
  const widths = head.map((_, k) => Math.max(3, ...lines.map(cells => [...cells[k]!].length)));
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell, k) => cell + ' '.repeat(widths[k]! - [...cell].length)).join(' | ')} |`;
  return [row(lines[0]!), row(widths.map(width => '-'.repeat(width))), ...lines.slice(1).map(row)].join('\n');
}

/** A cell that neither ends nor hides its column. Its own markup stays. */
export function markdownCell(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' '), Number.POSITIVE_INFINITY).replaceAll(/[\\|]/g, '\\$&');
}

/** A name, path or excerpt from data as Markdown text: none of it is markup, and nothing in it is hidden. */
export function markdownText(text: string): string {
  return printable(text).replaceAll(/[\\`*[\]<>|]/g, '\\$&');
}

/** The same between backticks, which nothing inside can end. */
export function markdownCode(text: string): string {
  return `\`${printable(text).replaceAll('`', "'")}\``;
}
