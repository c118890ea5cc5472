import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readGzipJson } from '../../tests/support/gzip-json.ts';
import { readWordNet } from './wordnet.ts';

const folder = fileURLToPath(new URL('../../tests/fixtures/wordnet', import.meta.url));
const recorded = readGzipJson<Record<string, string[]>>('wordnet/synonyms.json.gz');

describe('WordNet', () => {
  it('gives the words of the synsets that NLTK finds, from an excerpt', async () => {
    const synonyms = await readWordNet(folder);
    expect(Object.keys(recorded).length).toBeGreaterThan(200);
    for (const [word, expected] of Object.entries(recorded)) {
      expect([...synonyms(word)].sort(), word).toEqual([...expected].sort());
    }
    expect([...synonyms('qwertyish')]).toEqual([]);
  });

  it('finds irregular and regular forms', async () => {
    const synonyms = await readWordNet(folder);
    expect(synonyms('mice')).toContain('mouse');
    expect(synonyms('wrote')).toContain('compose');
    expect(synonyms('cars')).toContain('automobile');
  });

  it('says what is missing or is no line of WordNet’s', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'idiolect-wordnet-'));
    try {
      await expect(readWordNet(copy)).rejects.toThrow('index.noun does not exist. A folder of WordNet holds');
      await cp(folder, copy, { recursive: true });
      await writeFile(join(copy, 'data.verb'), '00004492 nonsense\n');
      await expect(readWordNet(copy)).rejects.toThrow('data.verb: line 1 after the head is none');
    } finally {
      await rm(copy, { recursive: true });
    }
  });
});
