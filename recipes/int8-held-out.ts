/**
 * What training on the 8-bit base does to a user's held-out log-likelihood, on the float32 model: docs/performance.md.
 *
 *     node recipes/int8-held-out.ts --model FOLDER --data FILE --out FOLDER [--users first:12] [--method sft] [--lr 1e-3]
 *
 * Both sides have the same seed, so the same batches in the same order.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { IdiolectError, random, scoreRun, train, trainSchema, type UserScore } from '../src/index.ts';
import { pairedDifference } from '../src/results/index.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    out: { type: 'string' },
    users: { type: 'string', default: 'first:12' },
    method: { type: 'string', default: 'sft' },
    lr: { type: 'string', default: '1e-3' },
    alpha: { type: 'string' },
  },
});
const { model = missing('model'), data = missing('data'), out = missing('out'), users, lr, alpha } = values;
const method = trainSchema.shape.method.parse(values.method);
const cache = join(out, 'cache');

async function scoresOn(base: 'float32' | 'int8'): Promise<readonly UserScore[]> {
  const run = join(out, `${method}-${base}`);
  const objective = { method, lr: Number(lr), alpha: alpha === undefined ? undefined : Number(alpha) };
  const started = Date.now();
  await train({ model, data, users, cache, base, out: run, maxLength: 256, ...objective });
  console.log(`${base}: trained in ${Math.round((Date.now() - started) / 1000)} s`);
  return (await scoreRun({ run, cache })).users;
}

function missing(flag: string): never {
  throw new IdiolectError('USAGE', `expected --${flag}: see the head of recipes/int8-held-out.ts.`);
}

const [float, int8] = [await scoresOn('float32'), await scoresOn('int8')];
for (const [i, { user, base, adapter }] of float.entries()) {
  const difference = int8[i]!.adapter - adapter;
  console.log(
    `${user}: none ${base.toFixed(4)}, float32 ${adapter.toFixed(4)}, int8 minus it ${difference.toFixed(4)}`,
  );
}
const adapters = [int8, float].map(side => side.map(({ adapter }) => adapter)) as [number[], number[]];
const { mean, low, high } = pairedDifference(...adapters, random(0, 'int8'));
console.log(`int8 minus float32, nats a token: ${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`);
