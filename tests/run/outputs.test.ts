/** Commands that cannot write where they are told to end in one sentence, at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

/** The arguments of each command but --out. */
const commands: Readonly<Record<string, () => readonly string[]>> = {
  train: () => ['train', ...source(), '--alpha', '0.2'],
  adapt: () => ['adapt', ...source(), '--target-users', '1'],
  compare: () => ['compare', ...source(), '--target-users', '1', '--development-users', '1'],
  ablate: () => ['ablate', ...source(), '--sweep', 'alpha=0,0.6'],
  init: () => ['init', '--model', place.model, '--data', place.data],
  'import table': () => ['import', 'table', place.data],
  simulate: () => ['simulate', '--users', '3', '--records', '8'],
};
const source = () => ['--model', place.model, '--data', place.data, '--cache', place.cache];

describe.runIf(process.platform === 'linux')('where the system takes no files', () => {
  it.each(Object.keys(commands))('%s ends in one sentence', async name => {
    const { code, stderr } = await idiolect([...commands[name]!(), '--out', '/proc/idiolect']);
    expect(stderr).toMatch(/^error: \/proc\/idiolect.* cannot be written: .*\.$/m);
    expect(stderr).not.toMatch(/ENOENT|\n\s+at /);
    expect(code).toBe(1);
  });
});
