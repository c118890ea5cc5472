/**
 * The main job in miniature: three users' histories, one adapter each by C-BPO, the held-out log-likelihood of their
 * later records. The backbone is tiny and random, so that nothing is downloaded; what it learns, it learns here.
 *
 *   node examples/three-users.ts [--keep FOLDER]
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeHistories } from '../src/histories/index.ts';
import { LanguageModel, random, scoreRun, train } from '../src/index.ts';
import { habitualHistories } from './habits.ts';
import { writeTinyBackbone } from './tiny-backbone.ts';

const { keep } = parseArgs({ options: { keep: { type: 'string' } } }).values;
const folder = keep ?? (await mkdtemp(join(tmpdir(), 'idiolect-')));
await mkdir(folder, { recursive: true });
const model = join(folder, 'backbone');
const data = join(folder, 'histories.jsonl');
const cache = join(folder, 'cache');

await writeTinyBackbone(model);
const count = await writeHistories(data, habitualHistories(60));
console.log(`${count} records of 3 users in ${data}`);

// A random backbone has everything to learn: many epochs, a high rate, and a small beta, which lets the adapter go far.
const method = { embedder: 'ngrams', beta: 0.05, epochs: 90, lr: 5e-3, rank: 16, targetModules: 'all-linear' };
const started = performance.now();
const settings = { model, data, out: join(folder, 'run'), cache, ...method };
const run = await train(settings, {
  onEvent(event) {
    if (event.type === 'overlap') {
      const { user, estimate } = event;
      console.log(
        `  ${user}: alpha ${estimate.alpha.toFixed(2)}, the share of others' texts that could be this user's`,
      );
    }
    if (event.type === 'start') console.log(`training 3 adapters by C-BPO, ${event.steps} steps`);
    if (event.type === 'adapter') console.log(`  trained ${event.user}: loss ${event.metrics.loss!.toFixed(3)}`);
  },
});
console.log(`trained in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);

const scores = await scoreRun({ run: run.run, cache });
console.log('mean log-probability per byte of records that training never saw:');
for (const { user, base, adapter, otherAdapter } of scores.users) {
  console.log(
    `  ${user.padEnd(6)} base ${base.toFixed(3)}   own adapter ${adapter.toFixed(3)}   another's ${otherAdapter!.toFixed(3)}`,
  );
}

const loaded = await LanguageModel.load(model);
console.log('\nthe same change in three voices:');
for (const { user, folder: adapterFolder } of run.users) {
  const adapter = await loaded.loadAdapter(adapterFolder);
  let text = '';
  const options = { adapter, random: random(0), maxTokens: 40, temperature: 0, topP: 1 };
  for await (const piece of loaded.generate('speed up search', options)) text += piece;
  console.log(`  ${user.padEnd(6)} ${text}`);
}
await loaded.close();
if (keep) console.log(`\neverything is in ${folder}`);
else await rm(folder, { recursive: true });
