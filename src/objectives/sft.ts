/** Supervised fine-tuning: the mean negative log-likelihood of completion tokens. */
import { mul, neg, reduceSum } from '../graph/index.ts';
import { float32 } from '../runtime/tensor.ts';
import type { Objective } from './objective.ts';

/** L = -1/N sum log pi(y_t | x, y_<t) over the N completion tokens of the batch. */
export function sft(): Objective {
  return {
    name: 'sft',
    needsReference: false,
    initialState: {},
    build(g, { tokenLogProbs }) {
      const share = g.input('token_share', 'float32', tokenLogProbs.shape);
      return neg(g, reduceSum(g, mul(g, tokenLogProbs, share), { axes: [0] }));
    },
    feeds(_examples, batch) {
      const count = batch.completionLengths.reduce((a, b) => a + b, 0);
      return { token_share: float32(new Float32Array(count).fill(1 / count), [count]) };
    },
  };
}
