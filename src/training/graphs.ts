/** The graphs of training: the decoder, a loss, and the gradient of every LoRA matrix or of every weight. */
import { Graph, gemm, gradients, neg, reshape, type Value } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { ModelConfig } from '../model/config.ts';
import { Decoder, decoderInputs, loraInputs } from '../model/decoder.ts';
import { frozenWeights } from '../model/frozen-weights.ts';
import type { LoraConfig } from '../model/lora.ts';
import { TrainedWeights } from '../model/weight-source.ts';
import { columnInput, weightedSum } from '../objectives/inputs.ts';
import type { Objective } from '../objectives/objective.ts';

/** Loss and gradients in one pass over the batch. */
export function trainingGraph(
  checkpoint: Checkpoint,
  lora: LoraConfig,
  objective: Pick<Objective, 'name' | 'build'>,
): Graph {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['completions']);
  const targets = g.input('targets', 'int64', ['completions']);
  const membership = g.input('membership', 'float32', ['sequences', 'completions']);
  const adapter = loraInputs(g, lora, checkpoint.linears, { dropout: true });
  const decoder = new Decoder(g, frozenWeights(g, checkpoint));
  const tokenLogProbs = decoder.logProbs(decoder.hidden(inputs, selected, { lora: adapter }), targets);
  const loss = g.scope(objective.name, () => {
    const column = reshape(g, tokenLogProbs, ['completions', 1]);
    return objective.build(g, reshape(g, gemm(g, membership, column), ['sequences']));
  });
  g.output('loss', loss);
  g.scope('backward', () => {
    const found = gradients(g, loss, adapter.matrices, g.scalar(1));
    adapter.matrices.forEach((matrix, i) => void g.output(`gradient.${matrix.name}`, found[i]!));
  });
  return g;
}

/**
 * The second pass of the two: the gradient of sum_i c_i log pi(y_i | x_i) for given coefficients c. With c_i = dL / d
 * log pi(y_i | x_i) it is the gradient of L. It is linear, so its micro-batches add up.
 */
export function backwardGraph(checkpoint: Checkpoint, lora: LoraConfig): Graph {
  return trainingGraph(checkpoint, lora, {
    name: 'weighted-likelihood',
    build: (g, sequenceLogProbs) => weightedSum(g, sequenceLogProbs, columnInput(g, 'coefficients', sequenceLogProbs)),
  });
}

/** Causal language modelling with every weight an input: minus the sum of each row's share times log p(target). */
export function lossGraph(config: ModelConfig): Graph {
  return fullGraph(config).g;
}

/** The same with the gradient of every weight. */
export function fullTrainingGraph(config: ModelConfig): Graph {
  const { g, loss, weights } = fullGraph(config);
  g.scope('backward', () => {
    const values = [...weights.values.entries()];
    const found = gradients(
      g,
      loss,
      values.map(([, value]) => value),
      g.scalar(1),
    );
    values.forEach(([name], i) => void g.output(`gradient.${name}`, found[i]!));
  });
  return g;
}

function fullGraph(config: ModelConfig): { g: Graph; loss: Value; weights: TrainedWeights } {
  const g = new Graph();
  const inputs = decoderInputs(g, config.headDim);
  const targets = g.input('targets', 'int64', ['tokens']);
  const shares = g.input('shares', 'float32', ['tokens']);
  const weights = new TrainedWeights(g, config);
  const decoder = new Decoder(g, weights);
  const logProbs = decoder.logProbs(decoder.hidden(inputs), targets);
  const loss = g.scope('loss', () => neg(g, weightedSum(g, logProbs, shares)));
  g.output('loss', loss);
  return { g, loss, weights };
}
