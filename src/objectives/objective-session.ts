/** An objective by itself: from the log-probabilities of completions to the loss and its gradient. */
import { invariant } from '../common/errors.ts';
import { defaultEngine, type EngineOptions, Session } from '../engine/session.ts';
import { float32, floats, type Tensor } from '../engine/tensor.ts';
import { Graph, gradients } from '../graph/index.ts';
import type { Example, Objective, ObjectiveState } from './objective.ts';

export interface ObjectiveResult {
  readonly loss: number;
  /** d loss / d log pi(y_i | x_i), [sequences]: the coefficients by which each sequence enters the gradient. */
  readonly gradient: Float32Array;
  readonly metrics: Readonly<Record<string, number>>;
  readonly state: ObjectiveState;
}

export class ObjectiveSession {
  readonly #session: Session;
  readonly #signature: string;

  private constructor(session: Session, signature: string) {
    this.#session = session;
    this.#signature = signature;
  }

  /** Compiles an objective; the session serves every objective of its signature. */
  static async create(objective: Objective, engine: EngineOptions = defaultEngine): Promise<ObjectiveSession> {
    const g = new Graph();
    const sequenceLogProbs = g.input('sequence_log_probs', 'float32', ['sequences']);
    const loss = objective.build(g, sequenceLogProbs);
    g.output('loss', loss);
    g.output('gradient', gradients(g, loss, [sequenceLogProbs], g.scalar(1))[0]!);
    return new ObjectiveSession(await Session.create(g, engine), objective.signature);
  }

  /** @param sequenceLogProbs log pi of each completion, summed over its tokens */
  async evaluate(
    objective: Objective,
    sequenceLogProbs: readonly number[],
    examples: readonly Example[],
    state: ObjectiveState,
  ): Promise<ObjectiveResult> {
    invariant(objective.signature === this.#signature, 'one session serves one signature');
    const results = await this.#session.run({
      ...objective.feeds(examples, state),
      sequence_log_probs: float32(Float32Array.from(sequenceLogProbs), [sequenceLogProbs.length]),
    });
    return { ...readResults(results), gradient: floats(results.gradient!) };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** The loss, the metrics and the next state among a session's results. */
export function readResults(results: Readonly<Record<string, Tensor>>): Omit<ObjectiveResult, 'gradient'> {
  const named = (prefix: string) =>
    Object.fromEntries(
      Object.entries(results).flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), floats(tensor)[0]!]] : [],
      ),
    );
  return { loss: floats(results.loss!)[0]!, metrics: named('metric.'), state: named('state.') };
}
