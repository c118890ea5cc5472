/** A kind of simulated text: what can be said, what the model is given for it, and how a way of writing puts it. */
import type { Random } from '../../common/random.ts';
import type { Message, Values, Way } from './writing.ts';

export interface Content {
  /** Names the content: equal contents have equal keys, and each content is as likely as any other. */
  readonly key: string;
  /** The record's input. */
  readonly input: string;
  readonly message: Message;
}

export interface Kind {
  readonly values: Values;
  drawContent(source: Random): Content;
  /** The record's output. @param source for what neither content nor way decides, such as the number of a ticket */
  write(content: Content, way: Way, source: Random): string;
}

export function oneOf<T>(items: readonly T[], source: Random): T {
  return items[source.integer(items.length)]!;
}
