/** `1 record`, `12 records`; with `many`, `1 query`, `2 queries` or `1 record is`, `2 records are`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
