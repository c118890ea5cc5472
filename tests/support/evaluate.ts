/** Runs a small graph on the CPU. */

import { Session } from '../../src/engine/session.ts';
import type { Feeds, Tensor } from '../../src/engine/tensor.ts';
import { Graph, type Value } from '../../src/graph/index.ts';

/** One thread: tiny graphs gain nothing from more, and results repeat exactly. */
export const engine = { device: 'cpu', threads: 1 } as const;

/** Compiles a graph, hands its session to `use`, and releases it whatever happens. */
export async function withSession<T>(
  g: Graph,
  use: (session: Session) => Promise<T>,
  weightsFolder?: string,
): Promise<T> {
  const session = await Session.create(g, engine, weightsFolder);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

/** Runs a graph once. */
export async function evaluate(g: Graph, feeds: Feeds = {}): Promise<Readonly<Record<string, Tensor>>> {
  return withSession(g, session => session.run(feeds));
}

/** Builds a graph whose outputs are the values `build` returns by name, and runs it once. */
export async function evaluateBuilt(
  build: (g: Graph) => Readonly<Record<string, Value>>,
  feeds: Feeds = {},
): Promise<Readonly<Record<string, Tensor>>> {
  const g = new Graph();
  for (const [name, value] of Object.entries(build(g))) g.output(name, value);
  return evaluate(g, feeds);
}
