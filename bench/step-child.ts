/** One side of the training-step benchmark, in a process of its own so that its peak memory is its own. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../src/common/random.ts';
import { withInt8Base } from '../src/language-model/int8-base.ts';
import { openCheckpoint } from '../src/model/checkpoint.ts';
import { loraConfigSchema } from '../src/model/lora.ts';
import { ropeSource } from '../src/model/rope.ts';
import { sft } from '../src/objectives/sft.ts';
import { Trainer } from '../src/training/trainer.ts';

const started = performance.now();
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    completion: { type: 'string' },
    steps: { type: 'string', default: '7' },
    warmup: { type: 'string', default: '2' },
    threads: { type: 'string', default: '2' },
    base: { type: 'string', default: 'float32' },
  },
});
const [BATCH, LENGTH] = [4, 128];
const completion = Number(values.completion);
const stored = await openCheckpoint(values.model!);
const engine = { device: 'cpu' as const, threads: Number(values.threads) };
const source = random(1, 'bench');
const draw = (length: number) => Array.from({ length }, () => source.integer(stored.config.vocabSize));
const checkpoint =
  values.base === 'int8'
    ? await withInt8Base(stored, [draw(LENGTH)], engine, { cache: join(values.model!, 'cache') })
    : stored;
const model = { checkpoint, engine, rope: ropeSource(checkpoint.config) };
const trainer = new Trainer(model, loraConfigSchema.parse({ rank: 8 }), sft());
trainer.reset(random(0, 'bench'));
const startup = performance.now() - started;

// 129 ids are 128 rows: the last token of a sequence is only predicted.
const batch = Array.from({ length: BATCH }, () => ({
  ids: draw(LENGTH + 1),
  promptLength: LENGTH + 1 - completion,
  group: 'target' as const,
  referenceLogProb: 0,
}));
const seconds: number[] = [];
for (let step = 0; step < Number(values.warmup) + Number(values.steps); step++) {
  const before = performance.now();
  await trainer.forwardBackward(batch);
  trainer.optimStep({ lr: 1e-4, weightDecay: 0.01, maxGradNorm: 1 });
  seconds.push((performance.now() - before) / 1000);
}
await trainer.release();
console.log(
  JSON.stringify({
    startup_s: startup / 1000,
    step_s: seconds.slice(Number(values.warmup)),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  }),
);
