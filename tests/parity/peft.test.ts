/**
 * Adapters idiolect writes, as PEFT reads them. The recording (tests/fixtures/write-adapters.ts) holds the hashes of
 * files that were loaded in real PEFT and the logits it then computed; here the same files are written again.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/common/files.ts';
import { readAdapter } from '../../src/model/adapter.ts';
import { openCheckpoint } from '../../src/model/checkpoint.ts';
import { ropeSource } from '../../src/model/rope.ts';
import { IDS, modelOf, RECORD, WRITTEN, writeExample } from '../fixtures/write-adapters.ts';
import { allLogits, largestDifference, oneThread, temporaryFolders } from './support.ts';

interface Verified {
  readonly sha256: Readonly<Record<string, string>>;
  readonly ids: readonly number[];
  readonly logits: readonly number[];
}

// float32 against float32 in another order of summation, on logits of up to about 20; see checkpoints.test.ts.
const LOGITS = 1e-4;

const folders = temporaryFolders();
const verified: Readonly<Record<string, Verified>> = JSON.parse(await readFile(RECORD, 'utf8'));

test('PEFT has read an adapter of every setting', () => {
  expect(Object.keys(verified)).toEqual(Object.keys(WRITTEN));
});

describe.each(Object.keys(WRITTEN))('%s', name => {
  test('the files are those PEFT has read, and mean the same here', async () => {
    const recorded = verified[name]!;
    const folder = join(await folders(), 'adapter');
    await writeExample(name, folder);
    for (const [file, hash] of Object.entries(recorded.sha256)) {
      expect(sha256(await readFile(join(folder, file))), `${file} changed: record it again`).toBe(hash);
    }
    expect(recorded.ids).toEqual(IDS);

    const checkpoint = await openCheckpoint(modelOf(name));
    const { vocabSize } = checkpoint.config;
    const rope = ropeSource(checkpoint.config);
    const model = { checkpoint, engine: oneThread, rope };
    const last = (logits: Float32Array) => logits.subarray(-vocabSize);
    const adapted = await allLogits(model, [IDS], await readAdapter(folder, checkpoint));
    expect(largestDifference(last(adapted), recorded.logits)).toBeLessThan(LOGITS);
    // The adapter matters: the base model is far from what PEFT computed.
    expect(largestDifference(last(await allLogits(model, [IDS])), recorded.logits)).toBeGreaterThan(0.1);
  });
});
