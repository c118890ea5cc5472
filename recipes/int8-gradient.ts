/**
 * How near the 8-bit base comes to float32 on real records: for each data set, the cosine between the two gradients of
 * every LoRA matrix (supervised loss, a random adapter), and both losses.
 *
 *   node recipes/int8-gradient.ts --model FOLDER --data FILE [--data FILE ...] [--batches 4] [--cache FOLDER]
 *
 * A batch has eight records, each of another user.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { groupByUser, openHistories } from '../src/histories/index.ts';
import { LanguageModel, random } from '../src/index.ts';
import { Encoder, encodingSchema } from '../src/language-model/encoder.ts';
import { initialMatrices, loraConfigSchema } from '../src/model/lora.ts';
import { sft } from '../src/objectives/index.ts';
import { type BatchGradient, BatchGradients, type TrainingExample } from '../src/training/batch-gradient.ts';
import { cosineOf, movedFromZero } from './gradient-cosine.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string', multiple: true },
    batches: { type: 'string', default: '4' },
    cache: { type: 'string' },
    threads: { type: 'string', default: '0' },
  },
});
const { model: folder, data, cache } = values;
if (!folder || !data) throw new Error('usage: int8-gradient.ts --model FOLDER --data FILE [--data FILE ...]');
const [RECORDS, LENGTH] = [8, 128];

const engine = { device: 'cpu' as const, threads: Number(values.threads) };
const onNotice = (message: string) => console.error(message);
const sides = [
  await LanguageModel.load(folder, { ...engine, base: 'float32' }),
  await LanguageModel.load(folder, { ...engine, base: 'int8' }, { cache, onNotice }),
] as const;
const [{ checkpoint }] = sides;
const lora = loraConfigSchema.parse({ rank: 8 });
const matrices = movedFromZero(initialMatrices(lora, checkpoint.linears, random(0, 'lora')));
const objective = sft();
const gradients = sides.map(model => new BatchGradients(model, lora, objective, 1 << 20));

const cosines: number[] = [];
for (const file of data) {
  const users = [...(await groupByUser(openHistories(file))).values()];
  const encoder = new Encoder(sides[0], encodingSchema.parse({ template: 'plain', maxLength: LENGTH }));
  const source = random(1, basename(file));
  for (let b = 0; b < Number(values.batches); b++) {
    const chosen = source.shuffled(users).slice(0, RECORDS);
    const batch = chosen.map((records): TrainingExample => {
      const record = records[source.integer(records.length)]!;
      return { ...encoder.encode(record), group: 'target', referenceLogProb: 0 };
    });
    const context = { matrices, objective, state: objective.initialState };
    const found: BatchGradient[] = [];
    for (const side of gradients) found.push(await side.compute(batch, context));
    const [float, int8] = found as [BatchGradient, BatchGradient];
    const cosine = cosineOf(float.gradients, int8.gradients);
    cosines.push(cosine);
    console.log(
      `${basename(file)} ${b + 1}: cosine ${cosine.toFixed(4)}, loss ${float.loss.toFixed(4)} and ${int8.loss.toFixed(4)}`,
    );
  }
}
const mean = cosines.reduce((a, b) => a + b) / cosines.length;
console.log(`${cosines.length} batches: mean ${mean.toFixed(4)}, lowest ${Math.min(...cosines).toFixed(4)}`);
for (const side of gradients) await side.release();
