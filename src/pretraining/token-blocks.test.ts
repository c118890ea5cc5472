/** Blocks of a token stream: every token is predicted once a pass, and a batch is the same whenever it is asked for. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consecutiveBatches, TokenBlocks } from './token-blocks.ts';
import { readTokens, writeTokens } from './token-file.ts';

const tokens = Uint16Array.from({ length: 103 }, (_, i) => i);
const options = { blockLength: 8, batchSize: 4, seed: 3 };

describe('blocks of tokens', () => {
  it('take every block of a pass once, in another order and from another offset in the next', () => {
    const blocks = new TokenBlocks(tokens, { ...options, batchSize: 1 });
    const passes = [0, 1, 2].map(pass => Array.from({ length: 11 }, (_, i) => [...blocks.batch(11 * pass + i)[0]!]));
    for (const pass of passes) {
      const starts = pass.map(([first]) => first!).sort((a, b) => a - b);
      expect(starts.map((start, i) => start - starts[0]! - 8 * i)).toEqual(new Array(11).fill(0));
      for (const block of pass) expect(block).toEqual(Array.from({ length: 9 }, (_, i) => block[0]! + i));
      expect(pass.map(([first]) => first)).not.toEqual(starts);
    }
    expect(new Set(passes.map(pass => pass.map(([first]) => first! % 8)[0])).size).toBeGreaterThan(1);
  });

  it('are the same for a step however it is reached, and others for another seed', () => {
    const through = new TokenBlocks(tokens, options);
    const all = Array.from({ length: 9 }, (_, step) => through.batch(step).map(block => [...block]));
    const direct = new TokenBlocks(tokens, options);
    expect([7, 2, 8].map(step => direct.batch(step).map(block => [...block]))).toEqual([all[7], all[2], all[8]]);
    expect(new TokenBlocks(tokens, { ...options, seed: 4 }).batch(0).map(block => [...block])).not.toEqual(all[0]);
  });

  it('are refused where the text is too short for a batch', () => {
    expect(() => new TokenBlocks(tokens.subarray(0, 39), options)).toThrow(/39 tokens are too few for a batch of 4/);
    expect(new TokenBlocks(tokens.subarray(0, 40), options).batch(5)).toHaveLength(4);
  });

  it('of held-out text follow one another', () => {
    const batches = consecutiveBatches(tokens.subarray(0, 42), options, 100);
    expect(batches.map(batch => batch.map(block => block[0]))).toEqual([[0, 8, 16, 24], [32]]);
    expect(batches[1]![0]!.at(-1)).toBe(40);
    expect(consecutiveBatches(tokens, options, 3)).toHaveLength(1);
    expect(consecutiveBatches(tokens.subarray(0, 8), options, 3)).toEqual([]);
  });
});

describe('token files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('hold every document and its end', async () => {
    const file = join(folder, 'tokens.bin');
    const documents = ['ab', '', `c${'d'.repeat(70_000)}`];
    const encode = (text: string) => Array.from(text, character => 60_000 + character.charCodeAt(0));
    expect(await writeTokens(file, documents, encode, 7)).toBe(70_006);
    const read = await readTokens(file);
    expect([...read.subarray(0, 5)]).toEqual([60_097, 60_098, 7, 7, 60_099]);
    expect(read.length).toBe(70_006);
    expect(read.at(-1)).toBe(7);
  });

  it('are not left half-written, nor read when cut', async () => {
    await expect(writeTokens(join(folder, 'large.bin'), ['x'], () => [65_536], 0)).rejects.toThrow(/16 bits/);
    expect((await readdir(folder)).filter(name => name.includes('large'))).toEqual([]);
    const cut = join(folder, 'cut.bin');
    await writeFile(cut, Buffer.alloc(5));
    await expect(readTokens(cut)).rejects.toThrow(/holds 5 bytes/);
  });
});
