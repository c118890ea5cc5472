/**
 * Embeds every record of a data set by the backbone and by n-grams, and scores the users' uniqueness by each, for
 * bench/peers/embedding_auc.py, which computes the numbers in docs/embeddings.md from what is written here:
 *
 *   node recipes/embeddings.ts --model FOLDER --data FILE --template NAME --out FOLDER
 *
 * records.jsonl: one line a record, users in order, each user's records in time order: {user, part, ids, promptLength}.
 * <embedder>.f32: their vectors in the same order, little-endian float32. uniqueness.json: scores by embedder and user,
 * from the training part alone.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../src/common/files.ts';
import { groupByUser, openHistories, splitByTime } from '../src/histories/index.ts';
import { LanguageModel } from '../src/index.ts';
import { embeddedText } from '../src/overlap/embedder.ts';
import { openEmbedder } from '../src/overlap/open-embedder.ts';
import { uniqueness } from '../src/overlap/uniqueness.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    template: { type: 'string' },
    out: { type: 'string' },
  },
});
const { model: modelFolder, data, template, out } = values;
if (!modelFolder || !data || !template || !out) {
  throw new Error('usage: embeddings.ts --model FOLDER --data FILE --template NAME --out FOLDER');
}
await mkdir(out, { recursive: true });

const encoding = { maxLength: 256, chat: 'auto' } as const;
const model = await LanguageModel.load(modelFolder);
const { users } = splitByTime(await groupByUser(openHistories(data)));
const records = [...users.values()].flatMap(({ user, train, query }) =>
  [...train.map(record => ({ part: 'train', record })), ...query.map(record => ({ part: 'query', record }))].map(
    entry => ({ ...entry, user, text: embeddedText(template, entry.record) }),
  ),
);
const lines = records.map(({ user, part, text }) => {
  const { ids, promptLength } = model.encode(text.prompt, text.completion, encoding);
  return `${JSON.stringify({ user, part, ids, promptLength })}\n`;
});
await writeFileAtomic(join(out, 'records.jsonl'), lines.join(''));

const scores: Record<string, Record<string, number>> = {};
for (const name of ['backbone', 'ngrams']) {
  const embedder = await openEmbedder({ embedder: name, ...encoding, cache: join(out, 'cache') }, model);
  const started = performance.now();
  const all = new Float32Array(records.length * embedder.width);
  const training = new Map<string, Float32Array[]>([...users.keys()].map(user => [user, []]));
  for (const [i, { user, part, text }] of records.entries()) {
    const vector = await embedder.embed(text);
    all.set(vector, i * embedder.width);
    if (part === 'train') training.get(user)!.push(vector);
  }
  await embedder.close();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${records.length} records, width ${embedder.width}, ${seconds} s`);
  await writeFileAtomic(join(out, `${name}.f32`), new Uint8Array(all.buffer));
  scores[name] = Object.fromEntries(uniqueness(training).map(({ user, score }) => [user, score]));
}
await writeFileAtomic(join(out, 'uniqueness.json'), JSON.stringify(scores));
await model.close();
