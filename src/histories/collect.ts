/** All of a stream as a list. `Array.fromAsync`, which the ES2024 library does not declare yet. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
