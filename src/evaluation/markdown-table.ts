/** Tables of Markdown that can be read raw as well: columns padded to one width. */

/** @param rows as many cells each as the head has */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map(cells => cells.map(cell => cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')));
  const widths = head.map((_, k) => Math.max(3, ...lines.map(cells => [...cells[k]!].length)));
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell, k) => cell + ' '.repeat(widths[k]! - [...cell].length)).join(' | ')} |`;
  return [row(lines[0]!), row(widths.map(width => '-'.repeat(width))), ...lines.slice(1).map(row)].join('\n');
}
