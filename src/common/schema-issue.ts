/** What a schema found wrong, for a sentence. */
import type { z } from 'zod';
import { printable } from './printable.ts';

/** The first thing that is wrong, with its place: `"rank": expected number, received string`. */
export function schemaIssue({ issues }: z.ZodError): string {
  const { path, message } = issues[0]!;
  const place = path.length > 0 ? `"${printable(path.join('.'))}": ` : '';
  return `${place}${message.replace(/^Invalid input: /, '').replace(/\.$/, '')}`;
}
