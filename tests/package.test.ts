/** The packed package, as it is after `npm install idiolect` in an empty folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

const packageJson: { exports: Record<string, unknown> } = JSON.parse(
  await readFile(join(root, 'package.json'), 'utf8'),
);

let folder: string;
let installed: string;
beforeAll(async () => {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('dist/ is missing: run `npm run build` first');
  folder = await mkdtemp(join(tmpdir(), 'idiolect-package-'));
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  await run('npm', pack, { cwd: root, shell: process.platform === 'win32' });
  const [archive] = (await readdir(folder)).filter(name => name.endsWith('.tgz'));
  await run('tar', ['-xzf', archive!], { cwd: folder });
  installed = join(folder, 'node_modules/idiolect');
  await mkdir(dirname(installed));
  await symlink(join(folder, 'package'), installed);
  await linkDependencies(join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What an install would bring, and no more: a dependency that is not declared is missed. */
async function linkDependencies(place: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  for (const [path, { dev }] of Object.entries(lock.packages as Record<string, { dev?: boolean }>)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    if (name === undefined || dev || !existsSync(join(root, path))) continue;
    await mkdir(dirname(join(place, name)), { recursive: true });
    await symlink(join(root, path), join(place, name));
  }
}

/** Relative links of a Markdown text, without their anchors. */
function links(text: string): string[] {
  const found = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
  return found.filter(link => !/^[a-z]+:/.test(link));
}

/** Every place that the package can be imported from. */
const entries = Object.keys(packageJson.exports)
  .filter(entry => entry !== './package.json')
  .map(entry => entry.replace('.', 'idiolect'));

describe('the package', () => {
  it('has every file that its documents link to', async () => {
    const files = await readdir(join(folder, 'package'), { recursive: true });
    const documents = files.filter(file => file.endsWith('.md'));
    expect(documents).toContain('README.md');
    const dead: string[] = [];
    for (const document of documents) {
      const place = join(folder, 'package', dirname(document));
      for (const link of links(await readFile(join(folder, 'package', document), 'utf8'))) {
        if (!existsSync(join(place, decodeURIComponent(link)))) dead.push(`${document}: ${link}`);
      }
    }
    expect(dead).toEqual([]);
  });

  it.each(['nodenext', 'bundler'])('has types that need nothing more, for %s', async resolution => {
    const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
    const place = join(folder, resolution);
    await mkdir(place);
    await writeFile(
      join(place, 'user.ts'),
      entries.map((entry, i) => `import * as e${i} from '${entry}';\nconsole.log(e${i});\n`).join(''),
    );
    const compilerOptions = { module, moduleResolution: resolution, target: 'es2024', strict: true, noEmit: true };
    await writeFile(
      join(place, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, types: [] }, files: ['user.ts'] }),
    );
    const compiled = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', place]).catch(
      error => error,
    );
    expect(compiled.stdout).toBe('');
  });

  it('can be imported from each of its entries', async () => {
    const place = join(folder, 'entries.mjs');
    const checks = entries.map(
      entry => `if (Object.keys(await import('${entry}')).length === 0) throw new Error('${entry}');`,
    );
    await writeFile(place, checks.join('\n'));
    await run(process.execPath, [place]);
    expect(entries.length).toBeGreaterThan(5);
  });

  it('has a command that works with what it brings', async () => {
    const out = join(folder, 'made.jsonl');
    const simulate = ['simulate', '--users', '3', '--records', '4', '--out', out, '--json'];
    const { stdout } = await run(process.execPath, [join(installed, 'bin/idiolect.js'), ...simulate]);
    expect(JSON.parse(stdout).users).toHaveLength(3);
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(12);
  });
});
