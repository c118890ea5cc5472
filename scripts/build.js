// Compiles src/ to dist/. Runs after `npm ci`, so that `npx idiolect` works in a clone; an installed package
// already contains dist/ and has no src/.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
if (existsSync(`${root}src`)) {
  rmSync(`${root}dist`, { recursive: true, force: true });
  const { status } = spawnSync('tsc -p tsconfig.build.json', { cwd: root, stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
}
