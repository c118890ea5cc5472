/** One side of the benchmark of training every weight, in a process of its own so that its peak memory is its own. */
import { parseArgs } from 'node:util';
import { random } from '../src/common/random.ts';
import { openCheckpoint } from '../src/model/checkpoint.ts';
import { readModelConfig } from '../src/model/config.ts';
import { readWeights } from '../src/model/weights.ts';
import { FullTrainer, initialState } from '../src/pretraining/full-trainer.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    batch: { type: 'string', default: '8' },
    length: { type: 'string', default: '256' },
    steps: { type: 'string', default: '7' },
    warmup: { type: 'string', default: '2' },
    threads: { type: 'string', default: '2' },
  },
});
const config = await readModelConfig(values.model!);
const state = initialState(await readWeights(await openCheckpoint(values.model!)));
const trainer = new FullTrainer(config, state, { device: 'cpu', threads: Number(values.threads) });
const source = random(1, 'bench');
const blocks = Array.from({ length: Number(values.batch) }, () =>
  Uint16Array.from({ length: Number(values.length) + 1 }, () => source.integer(config.vocabSize)),
);
const seconds: number[] = [];
const processor: number[] = [];
const optimizer: number[] = [];
const losses: number[] = [];
for (let step = 0; step < Number(values.warmup) + Number(values.steps); step++) {
  const before = performance.now();
  const used = process.cpuUsage();
  losses.push(await trainer.forwardBackward(blocks));
  const between = performance.now();
  trainer.optimStep({ lr: 1e-3, weightDecay: 0.1, maxGradNorm: 1 });
  const after = performance.now();
  seconds.push((after - before) / 1000);
  const { user, system } = process.cpuUsage(used);
  processor.push((user + system) / 1e6);
  optimizer.push((after - between) / 1000);
}
await trainer.release();
console.log(
  JSON.stringify({
    step_s: seconds.slice(Number(values.warmup)),
    cpu_s: processor.slice(Number(values.warmup)),
    optimizer_s: optimizer.slice(Number(values.warmup)),
    loss: losses,
    parameters: state.weights.reduce((sum, { data }) => sum + data.length, 0),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  }),
);
