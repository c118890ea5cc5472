/** The readable form of a graph: one line a node, in the order it runs. Snapshots of it are the golden tests. */
import type { Attribute, DType, Graph, Value } from './graph.ts';
import { schedule } from './passes.ts';
import { formatShape } from './shape.ts';

const SHORT: Readonly<Record<DType, string>> = {
  float32: 'f32',
  float16: 'f16',
  bfloat16: 'bf16',
  int64: 'i64',
  uint8: 'u8',
  int8: 'i8',
  bool: 'bool',
};

function typed(value: Value): string {
  return `${value.name}: ${SHORT[value.dtype]}${formatShape(value.shape)}`;
}

function attribute([name, value]: [string, Attribute]): string {
  if (typeof value === 'object')
    return `${name}=${'float' in value ? Number(value.float.toPrecision(6)) : `[${value}]`}`;
  return `${name}=${value}`;
}

/** Prints inputs, weights, nodes grouped by the part of the model they belong to, and outputs. */
export function print(g: Graph): string {
  const nodes = schedule(g);
  const used = new Set(nodes.flatMap(node => node.inputs));
  const constant = (value: Value): string | undefined => {
    const known = g.constants.get(value.name);
    return known && (value.shape.length === 0 ? `${known.data[0]}` : `[${known.data.join(', ')}]`);
  };
  const lines = g.inputs.map(value => `input  ${typed(value)}`);
  for (const { value } of g.weights.values()) if (used.has(value)) lines.push(`weight ${typed(value)}`);
  let scope = '';
  for (const node of nodes) {
    if (node.scope !== scope) {
      scope = node.scope;
      lines.push('', `# ${scope || '(top)'}`);
    }
    const inputs = node.inputs.map(input => (input ? (constant(input) ?? input.name) : '_')).join(', ');
    const attributes = Object.entries(node.attributes).map(attribute).join(' ');
    lines.push(`${typed(node.output)} = ${node.op}(${inputs})${attributes && ` ${attributes}`}`);
  }
  lines.push('', ...g.outputs.map(({ name, value }) => `output ${name} = ${value.name}`));
  return `${lines.join('\n')}\n`;
}
