/** The graphs of training: the decoder with LoRA, then a loss and the gradient of every LoRA matrix. */
import { Graph, gemm, gradients, reshape } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { Decoder, decoderInputs, loraInputs } from '../model/decoder.ts';
import type { LoraConfig } from '../model/lora.ts';
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
  const decoder = new Decoder(g, checkpoint);
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
 * The second pass of the two: the gradient of sum_i c_i log pi(y_i | x_i) for given coefficients c. With
 * c_i = dL / d log pi(y_i | x_i) it is the gradient of L, and it is linear: micro-batches of it add up.
 */
export function backwardGraph(checkpoint: Checkpoint, lora: LoraConfig): Graph {
  return trainingGraph(checkpoint, lora, {
    name: 'weighted-likelihood',
    build: (g, sequenceLogProbs) => weightedSum(g, sequenceLogProbs, columnInput(g, 'coefficients', sequenceLogProbs)),
  });
}
