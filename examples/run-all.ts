/** Runs every example and fails when one does; CI's proof that they work. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

for (const name of ['few-verbs', 'three-users', 'own-objective']) {
  console.log(`\n# examples/${name}.ts`);
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, [file], { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`examples/${name}.ts failed with exit code ${status}`);
    process.exit(1);
  }
}
