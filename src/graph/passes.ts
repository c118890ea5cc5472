/** Rewrites of a finished graph. None changes a result beyond the order of one floating-point addition. */
import type { Graph, Node, Value } from './graph.ts';
import { sameShape } from './shape.ts';

/** The nodes to run: those an output needs, with sums folded into matrix products, in an order that works. */
export function schedule(g: Graph): Node[] {
  const outputs = new Set(g.outputs.map(({ value }) => value));
  return foldSums(prune(g.nodes, outputs), outputs);
}

/** Drops what no output depends on: gradients of frozen weights, unused branches of composite rules. */
function prune(nodes: readonly Node[], outputs: ReadonlySet<Value>): Node[] {
  const needed = new Set(outputs);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!needed.has(node.output)) continue;
    for (const input of node.inputs) if (input) needed.add(input);
    kept.push(node);
  }
  return kept.reverse();
}

/**
 * a b + c  becomes one Gemm with an addend: residual sums and summed gradients then cost no pass of their own.
 * The product moves to the place of the sum, where everything it reads exists already.
 */
function foldSums(nodes: readonly Node[], outputs: ReadonlySet<Value>): Node[] {
  const uses = new Map<Value, number>();
  for (const node of nodes) for (const input of node.inputs) if (input) uses.set(input, (uses.get(input) ?? 0) + 1);
  const producer = new Map(nodes.map(node => [node.output, node]));
  const foldable = (value: Value | null | undefined): Node | undefined => {
    const node = value ? producer.get(value) : undefined;
    const free = node?.op === 'Gemm' && node.inputs.length === 2 && !node.attributes.alpha;
    return free && uses.get(node.output) === 1 && !outputs.has(node.output) ? node : undefined;
  };
  const gone = new Set<Node>();
  const rewritten = nodes.map(node => {
    if (node.op !== 'Add') return node;
    const [a, b] = node.inputs as [Value, Value];
    if (!sameShape(a.shape, b.shape)) return node;
    const right = foldable(b);
    const product = right ?? foldable(a);
    if (!product) return node;
    gone.add(product);
    const folded: Node = {
      ...product,
      inputs: [...product.inputs, right ? a : b],
      output: node.output,
    };
    return folded;
  });
  return rewritten.filter(node => !gone.has(node));
}
