/** Reverse-mode differentiation: walks the tape back from one value and sums what reaches each input. */
import { IdiolectError, invariant } from '../common/errors.ts';
import type { Graph, Value } from './graph.ts';
import { add } from './ops/elementwise.ts';
import { formatShape, sameShape } from './shape.ts';

/**
 * Adds to the graph the gradients of sum(seed * y) with respect to `wrt`.
 *
 * @param y     the value to differentiate
 * @param wrt   the values whose gradients are wanted
 * @param seed  the gradient of y, of y's shape; for a scalar loss a constant 1
 * @returns one value per entry of `wrt`, of its shape
 * @throws IdiolectError GRAPH when an operator on the way has no gradient, or y does not depend on an entry
 */
export function gradients(g: Graph, y: Value, wrt: readonly Value[], seed: Value): Value[] {
  invariant(sameShape(y.shape, seed.shape), `seed ${formatShape(seed.shape)} must have the shape of y`);
  const tape = [...g.tape];
  // Only what depends on a wanted value needs a gradient: frozen branches are never walked.
  const dependent = new Set(wrt);
  for (const { inputs, output } of tape) {
    if (inputs.some(input => input !== null && dependent.has(input))) dependent.add(output);
  }
  const gradientOf = new Map<Value, Value>([[y, seed]]);
  for (const { inputs, output, gradient } of tape.toReversed()) {
    const dy = gradientOf.get(output);
    if (!dy || !dependent.has(output)) continue;
    if (!gradient) {
      throw new IdiolectError('GRAPH', `${describe(g, output)} has no gradient rule, but a wanted gradient passes it.`);
    }
    gradient(dy).forEach((makeGradient, i) => {
      const input = inputs[i];
      if (!makeGradient || !input || !dependent.has(input)) return;
      const dx = makeGradient();
      invariant(
        sameShape(dx.shape, input.shape),
        `${describe(g, output)}: gradient ${i} has shape ${formatShape(dx.shape)}, its input ${formatShape(input.shape)}`,
      );
      const sum = gradientOf.get(input);
      gradientOf.set(input, sum ? add(g, sum, dx) : dx);
    });
  }
  return wrt.map(value => {
    const dx = gradientOf.get(value);
    if (dx) return dx;
    throw new IdiolectError('GRAPH', `the differentiated value does not depend on "${value.name}".`);
  });
}

function describe(g: Graph, output: Value): string {
  const node = g.nodes.find(candidate => candidate.output === output);
  return node ? `${node.op}${node.scope && ` in ${node.scope}`}` : output.name;
}
