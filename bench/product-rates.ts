/**
 * The machine's own limit: GFLOP/s of the matrix products of a training step, in ONNX Runtime and in PyTorch, one side
 * after the other. A step that is bound by products cannot be faster than they are.
 *
 *   node bench/product-rates.ts [--python PYTHON] [--threads 2]
 */
import { parseArgs } from 'node:util';
import { markdownTable } from '../src/results/markdown-table.ts';
import { lastLine, own } from './measure.ts';
import { PRODUCTS } from './shapes.ts';

const { values } = parseArgs({
  options: { python: { type: 'string' }, threads: { type: 'string', default: '2' } },
});

type Rates = Readonly<Record<string, readonly number[]>>;

const threads = ['--threads', values.threads];
const sides: [engine: string, rates: Rates][] = [
  ['ONNX Runtime', JSON.parse(await lastLine(process.execPath, [own('products-child.ts'), ...threads]))],
];
if (values.python) {
  const args = [own('peers/torch_products.py'), '--shapes', JSON.stringify(PRODUCTS), ...threads];
  sides.push(['PyTorch', JSON.parse(await lastLine(values.python, args))]);
}
console.log('\nMatrix products, GFLOP/s; rows x outputs x inputs\n');
const head = ['engine', 'numbers', ...PRODUCTS.map(shape => shape.join(' x '))];
const rows = sides.flatMap(([engine, rates]) =>
  Object.entries(rates).map(([kind, found]) => [engine, kind, ...found.map(rate => rate.toFixed(0))]),
);
console.log(markdownTable(head, rows));
