import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overlapVerb } from './overlap.ts';
import { scoreVerb } from './score.ts';
import { tokensVerb } from './tokens.ts';
import { trainVerb } from './train.ts';
import { parseLine, type Verb } from './verb.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-config-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function readConfig(verb: Verb, text: string) {
  const file = join(folder, 'config.json');
  await writeFile(file, text);
  return parseLine(verb, ['--config', file]);
}

describe('a configuration file', () => {
  const required = { model: 'm', data: 'd', out: 'o', run: 'r', against: 'a' };

  it.each([trainVerb, scoreVerb, tokensVerb, overlapVerb])('$name takes users as a list', async verb => {
    const settings = Object.entries(required).filter(([key]) => Object.hasOwn(verb.schema.shape, key));
    const config = { ...Object.fromEntries(settings), users: ['Doe, Jane', 'b'] };
    const { resolved } = await readConfig(verb, JSON.stringify(config));
    expect(resolved.values.users).toBe('"Doe, Jane","b"');
  });

  it('may start with a byte order mark', async () => {
    const { resolved } = await readConfig(scoreVerb, '\uFEFF{"run": "r"}');
    expect(resolved.values.run).toBe('r');
  });

  it.each([
    [
      '{"run": "r", "users": [7]}',
      '`users`: expected names separated by commas in one text, or a list of texts. Found [7]',
    ],
    ['{"run": "r",', 'is not valid JSON'],
    ['["r"]', 'must hold one JSON object of settings'],
  ])('%s is refused', async (text, problem) => {
    await expect(readConfig(scoreVerb, text)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining(problem),
    });
  });
});
