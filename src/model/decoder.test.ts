/** The output matrix in blocks: a vocabulary wider than one block gives the same numbers as one product would. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  largestDifference,
  oneThread,
  relativeDifference,
  safetensorsBytes,
  TINY_CONFIG,
  temporaryFolders,
  tinyWeights,
} from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import { Session } from '../engine/session.ts';
import { float32, floats, int64 } from '../engine/tensor.ts';
import { Graph, gradients } from '../graph/index.ts';
import { openCheckpoint } from './checkpoint.ts';
import { Decoder } from './decoder.ts';
import { FileWeights } from './weight-source.ts';

const folders = temporaryFolders();

const VOCAB = 70_000; // two whole blocks of 32768 rows and a part
const WIDTH = 8;
// Targets in every block and at its borders.
const TARGETS = [0, 32_767, 32_768, 65_535, 65_536, VOCAB - 1];

const source = random(1);
const hidden = Float32Array.from({ length: TARGETS.length * WIDTH }, () => 2 * source.normal());

/** A checkpoint whose output matrix is stored in F32 or BF16; its values, as float32, are returned beside it. */
async function wideCheckpoint(dtype: 'F32' | 'BF16') {
  const folder = await folders();
  const config = { ...TINY_CONFIG, vocab_size: VOCAB, num_hidden_layers: 1 };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let head: Float32Array = new Float32Array(0);
  let end = 0;
  for (const { name, shape, data } of tinyWeights(config)) {
    // Cutting a float32 to its upper half is an exact bfloat16.
    const upper = Uint16Array.from(new Uint32Array(data.buffer), word => word >>> 16);
    const stored = dtype === 'F32' ? data : upper;
    if (name === 'lm_head.weight') {
      head = dtype === 'F32' ? data : new Float32Array(Uint32Array.from(upper, word => word << 16).buffer);
    }
    header[name] = { dtype, shape, data_offsets: [end, end + stored.byteLength] };
    parts.push(new Uint8Array(stored.buffer));
    end += stored.byteLength;
  }
  await writeFile(join(folder, 'model.safetensors'), safetensorsBytes(header, Buffer.concat(parts)));
  return { checkpoint: await openCheckpoint(folder), head };
}

/** The same in float64, row by row. */
function reference(head: Float32Array) {
  const logits = new Float64Array(TARGETS.length * VOCAB);
  const logProbs = new Float64Array(TARGETS.length);
  const gradient = new Float64Array(hidden.length);
  TARGETS.forEach((target, row) => {
    const at = row * VOCAB;
    for (let v = 0; v < VOCAB; v++) {
      for (let i = 0; i < WIDTH; i++) logits[at + v]! += hidden[row * WIDTH + i]! * head[v * WIDTH + i]!;
    }
    const own = logits.subarray(at, at + VOCAB);
    const total = own.reduce((sum, logit) => sum + Math.exp(logit), 0);
    logProbs[row] = own[target]! - Math.log(total);
    // d log p(target) / d hidden = W[target] - sum_v p_v W_v
    for (let i = 0; i < WIDTH; i++) {
      const mean = own.reduce((sum, logit, v) => sum + Math.exp(logit) * head[v * WIDTH + i]!, 0) / total;
      gradient[row * WIDTH + i] = head[target * WIDTH + i]! - mean;
    }
  });
  return { logits, logProbs, gradient };
}

describe.each(['F32', 'BF16'] as const)('an output matrix of 70,000 rows in %s', dtype => {
  test('logits, log-probabilities and their gradient', async () => {
    const { checkpoint, head } = await wideCheckpoint(dtype);
    const g = new Graph();
    const rows = g.input('hidden', 'float32', ['rows', WIDTH]);
    const decoder = new Decoder(g, new FileWeights(g, checkpoint));
    const logProbs = decoder.logProbs(rows, g.input('targets', 'int64', ['rows']));
    const seed = g.input('seed', 'float32', ['rows']);
    g.output('log_probs', logProbs);
    g.output('gradient', gradients(g, logProbs, [rows], seed)[0]!);
    g.output('logits', decoder.logits(rows));
    const session = await Session.create(g, oneThread, checkpoint.weightsFolder);
    const results = await session.run({
      hidden: float32(hidden, [TARGETS.length, WIDTH]),
      targets: int64(TARGETS),
      seed: float32(new Float32Array(TARGETS.length).fill(1), [TARGETS.length]),
    });
    const expected = reference(head);
    // float32 against float64: logits of up to 5 from 8 products; a sum of 70,000 exponentials, in the engine's order
    expect(largestDifference(floats(results.logits!), expected.logits)).toBeLessThan(5e-6);
    expect(largestDifference(floats(results.log_probs!), expected.logProbs)).toBeLessThan(2e-5);
    expect(relativeDifference(floats(results.gradient!), expected.gradient)).toBeLessThan(2e-5);
    await session.release();
  });
});
