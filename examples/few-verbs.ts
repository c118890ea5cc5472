/**
 * The training primitives by hand: load a model, forward and backward, optimiser step, score, sample, save.
 *
 *   node examples/few-verbs.ts
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cbpo, LanguageModel, loraConfigSchema, random, Trainer, writeAdapter } from '../src/index.ts';
import { writeTinyBackbone } from './tiny-backbone.ts';

const folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
await writeTinyBackbone(join(folder, 'backbone'));
const model = await LanguageModel.load(join(folder, 'backbone'));

// What the user wrote, and what others wrote for the same kind of input.
const encode = (prompt: string, completion: string) => model.encode(prompt, completion, { maxLength: 128 });
const own = [encode('fix login', 'fixed the login :)'), encode('test cache', 'tested the cache :)')];
const others = [encode('fix parser', 'Fix parser.'), encode('test search', 'Test search.')];

// C-BPO compares with the model as it was: its scores are found once.
const batch = [];
for (const sequence of own) {
  batch.push({ ...sequence, group: 'target' as const, referenceLogProb: (await model.score(sequence)).logProb });
}
for (const sequence of others) {
  batch.push({ ...sequence, group: 'auxiliary' as const, referenceLogProb: (await model.score(sequence)).logProb });
}

const lora = loraConfigSchema.parse({ rank: 8, targetModules: 'all-linear' });
const trainer = new Trainer(model, lora, cbpo({ alpha: 0.2 }));
trainer.reset(random(7, 'adapter'));
for (let step = 1; step <= 20; step++) {
  const { loss, target_reward, auxiliary_reward } = await trainer.forwardBackward(batch);
  trainer.optimStep({ lr: 5e-3, weightDecay: 0.01, maxGradNorm: 1 });
  if (step % 5 === 0 || step === 1) {
    const reward = (value: number | undefined) => value!.toFixed(2).padStart(6);
    console.log(
      `step ${step}: loss ${loss!.toFixed(4)}, reward own ${reward(target_reward)}, others' ${reward(auxiliary_reward)}`,
    );
  }
}

const before = await model.score(own[0]!);
const after = await model.score(own[0]!, trainer.adapter);
console.log(`log-likelihood of an own text: ${before.logProb.toFixed(2)} before, ${after.logProb.toFixed(2)} after`);

const adapterFolder = join(folder, 'adapters', 'me');
await writeAdapter(adapterFolder, trainer.adapter, { baseModel: 'tiny-backbone', description: '# me' });
const adapter = await model.loadAdapter(adapterFolder); // PEFT's format: any server reads it
let text = '';
for await (const piece of model.generate('fix login', {
  adapter,
  random: random(0),
  maxTokens: 24,
  temperature: 0.8,
  topP: 0.95,
})) {
  text += piece;
}
console.log(`a sample: ${JSON.stringify(text)}`);

await trainer.release();
await model.close();
await rm(folder, { recursive: true });
