/** Log-probabilities of chosen tokens, under an output matrix that is frozen or trained. */
import type { Graph, Value } from '../graph.ts';
import type { Dim } from '../shape.ts';
import { expandLike, reduceSum, reshape } from './broadcast.ts';
import { add, cast, div, exp, log, max, mul, neg, sub } from './elementwise.ts';
import { gemm } from './matmul.ts';
import { gather } from './movement.ts';
import { reduceMax } from './reduce.ts';

/** A block of rows W of the output matrix, by its products in either direction. */
export interface HeadBlock {
  /** hidden Wᵀ: [rows, width] to [rows, block] */
  logits(hidden: Value): Value;
  /** p W: [rows, block] to [rows, width] */
  expected(weights: Value): Value;
}

/** A block whose rows are floats; they are together in the file, so it is a view and no copy. */
export function headBlock(g: Graph, weight: Value): HeadBlock {
  return {
    logits: hidden => gemm(g, hidden, weight, { transB: true }),
    expected: weights => gemm(g, weights, weight),
  };
}

interface PartialSum {
  readonly block: HeadBlock;
  /** exp(logits - shift), [rows, block]: all that the gradient needs of this block. */
  readonly exponentials: Value;
  /** [rows, 1] */
  readonly shift: Value;
  readonly sum: Value;
}

/**
 * log softmax(hidden Wᵀ)[target] for each row.
 *
 * The vocabulary is walked in blocks; the sum of exponentials is put together from each block's own maximum. The
 * gradient with respect to hidden is dy (W[target] - sum_v p_v W_v): a product with the kept exponentials, scaled per
 * row, with no one-hot and no pass over the vocabulary. W is frozen here.
 *
 * @param hidden  [rows, width], after the last norm
 * @param table   [vocabulary, width], all of W, read only at the targets
 * @param blocks  W again, split by rows
 * @param targets int64 [rows]
 * @returns [rows]
 */
export function tokenLogProbs(
  g: Graph,
  hidden: Value,
  table: Value,
  blocks: readonly HeadBlock[],
  targets: Value,
): Value {
  const rows = targets.shape;
  let targetRows!: Value;
  let parts!: PartialSum[];
  let maximum!: Value;
  let total!: Value;
  return g.composite(
    [hidden],
    () => {
      targetRows = cast(g, gather(g, table, targets), hidden.dtype);
      parts = blocks.map(block => {
        const logits = block.logits(hidden);
        const shift = reduceMax(g, logits, { axes: [-1], keep: true });
        const exponentials = exp(g, sub(g, logits, shift));
        return { block, exponentials, shift, sum: reduceSum(g, exponentials, { axes: [-1], keep: true }) };
      });
      maximum = parts.map(part => part.shift).reduce((a, b) => max(g, a, b));
      total = parts.map(part => mul(g, part.sum, exp(g, sub(g, part.shift, maximum)))).reduce((a, b) => add(g, a, b));
      const targetLogit = reduceSum(g, mul(g, hidden, targetRows), { axes: [-1], keep: true });
      return reshape(g, sub(g, sub(g, targetLogit, maximum), log(g, total)), rows);
    },
    dy => [
      () => {
        const expected = parts
          .map(part => {
            const share = div(g, exp(g, sub(g, part.shift, maximum)), total);
            return mul(g, part.block.expected(part.exponentials), share);
          })
          .reduce((a, b) => add(g, a, b));
        return mul(g, sub(g, targetRows, expected), reshape(g, dy, [...rows, 1]));
      },
    ],
  );
}

/**
 * The same value where W is trained too: gradients for hidden and for W.
 *
 * With E = onehot(target) - softmax, both are a product with dy E: d hidden = dy E W, d W = (dy E)ᵀ hidden. E is one
 * [rows, vocabulary] tensor, made from the kept log-probabilities in place, so this is for vocabularies of some
 * thousand entries; a batch of many rows belongs into several runs.
 *
 * @param hidden  [rows, width], after the last norm
 * @param table   [vocabulary, width]
 * @param targets int64 [rows]
 * @returns [rows]
 */
export function trainedTokenLogProbs(g: Graph, hidden: Value, table: Value, targets: Value): Value {
  const [rows] = targets.shape as [Dim];
  const column = reshape(g, targets, [rows, 1]);
  let logProbs!: Value;
  return g.composite(
    [hidden, table],
    () => {
      const logits = gemm(g, hidden, table, { transB: true });
      const { dtype, shape } = logits;
      logProbs = g.emit({ op: 'LogSoftmax', inputs: [logits], attributes: { axis: -1 }, dtype, shape });
      const attributes = { axis: 1 };
      const chosen = g.emit({ op: 'GatherElements', inputs: [logProbs, column], attributes, dtype, shape: [rows, 1] });
      return reshape(g, chosen, [rows]);
    },
    dy => {
      const { dtype, shape } = logProbs;
      // -E: a target is in its row once, so every element of the sum is written once
      const excess = g.emit({
        op: 'ScatterElements',
        inputs: [exp(g, logProbs), column, expandLike(g, g.constant(Float32Array.of(-1), [1, 1]), column)],
        attributes: { axis: 1, reduction: 'add' },
        dtype,
        shape,
      });
      const factor = neg(g, reshape(g, dy, [rows, 1]));
      return [
        () => mul(g, gemm(g, excess, table), factor),
        () => gemm(g, excess, mul(g, hidden, factor), { transA: true }),
      ];
    },
  );
}
