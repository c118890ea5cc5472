/** Measures how far an adapter has moved the model: the divergence from the reference, as a diagnostic. */

import type { Session } from '../engine/session.ts';
import { floats } from '../engine/tensor.ts';
import { exp, Graph, log, mul, reduceMax, reduceMean, reduceSum, softmax, sub, type Value } from '../graph/index.ts';
import { packBatch, type TokenSequence } from '../language-model/batch.ts';
import { openSession } from '../language-model/model-session.ts';
import { loraFeeds } from '../language-model/scorer.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { Decoder, decoderInputs, loraInputs } from '../model/decoder.ts';
import { frozenWeights } from '../model/frozen-weights.ts';
import type { LoraConfig, LoraMatrices } from '../model/lora.ts';
import type { TrainableModel, TrainingExample } from './batch-gradient.ts';

/** KL(pi || pi_ref) over the vocabulary at each completion position, then the mean: model with and without adapter. */
function klGraph(checkpoint: Checkpoint, lora: LoraConfig): Graph {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['completions']);
  const decoder = new Decoder(g, frozenWeights(g, checkpoint));
  const adapter = loraInputs(g, lora, checkpoint.linears, { dropout: false });
  const logits = decoder.logits(decoder.hidden(inputs, selected, { lora: adapter }));
  const reference = decoder.logits(decoder.hidden(inputs, selected));
  const difference = sub(g, logSoftmax(g, logits), logSoftmax(g, reference));
  const perPosition = reduceSum(g, mul(g, softmax(g, logits), difference), { axes: [1] });
  g.output('kl', reduceMean(g, perPosition, { axes: [0] }));
  return g;
}

function logSoftmax(g: Graph, logits: Value): Value {
  const shifted = sub(g, logits, reduceMax(g, logits, { axes: [1], keep: true }));
  return sub(g, shifted, log(g, reduceSum(g, exp(g, shifted), { axes: [1], keep: true })));
}

/**
 * Measures KL(pi || pi_ref) on given texts, in nats per completion token, exact over the vocabulary at each position.
 * Its session holds another copy of the weights where they are stored in half precision.
 */
export class KlProbe {
  readonly #model: TrainableModel;
  readonly #lora: LoraConfig;
  #session: Promise<Session> | undefined;

  constructor(model: TrainableModel, lora: LoraConfig) {
    this.#model = model;
    this.#lora = lora;
  }

  async measure(sequence: TokenSequence, matrices: LoraMatrices): Promise<number> {
    const { checkpoint, rope } = this.#model;
    this.#session ??= openSession(this.#model, klGraph(checkpoint, this.#lora));
    const { feeds } = packBatch([sequence], rope);
    const { kl } = await (await this.#session).run({ ...feeds, ...loraFeeds(matrices) });
    return floats(kl!)[0]!;
  }

  async release(): Promise<void> {
    await (await this.#session)?.release();
    this.#session = undefined;
  }
}

/** KL(pi || pi_ref) on the batch's own records, in nats per completion token. */
export async function meanKl(
  probe: KlProbe,
  batch: readonly TrainingExample[],
  matrices: LoraMatrices,
): Promise<number> {
  let sum = 0;
  let tokens = 0;
  for (const example of batch) {
    if (example.group !== 'target') continue;
    const count = example.ids.length - example.promptLength;
    sum += count * (await probe.measure(example, matrices));
    tokens += count;
  }
  return sum / tokens;
}
