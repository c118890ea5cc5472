/**
 * The trained starter as it stands in the repository: its folder, a model card with the numbers of the run, the loss curve.
 *
 *   node recipes/starter-card.ts --run runs/starter --out starter
 */
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lineChart } from '../src/charts/line-chart.ts';
import { RunFolder } from '../src/runs/run-folder.ts';

const { run: runs, out } = parseArgs({
  options: {
    run: { type: 'string', multiple: true, default: ['runs/starter', 'runs/starter-2'] },
    out: { type: 'string', default: 'starter' },
  },
}).values;

/** Steps by the millions of tokens read by then, in all stages together. */
interface Curve {
  readonly training: { x: number; y: number }[];
  readonly heldOut: { x: number; y: number }[];
}

async function readStage(run: string, before: number) {
  const folder = new RunFolder(run);
  const record = await folder.read();
  if (!record) throw new Error(`${run} holds no run; train the starter first (recipes/starter.ts)`);
  const settingOf = (key: string) => record.settings[key]?.value as number;
  const shape = { batchSize: settingOf('batchSize'), blockLength: settingOf('blockLength'), steps: settingOf('steps') };
  const tokensAt = (step: number) => (step * shape.batchSize * shape.blockLength) / 1e6;
  const steps = await folder.readMetrics();
  const curve: Curve = { training: [], heldOut: [] };
  for (const [i, { step, held_out_loss: heldOut }] of steps.entries()) {
    const x = before + tokensAt(step);
    if (typeof heldOut === 'number') curve.heldOut.push({ x, y: heldOut });
    const window = steps.slice(Math.max(0, i - 24), i + 25);
    if (i % 25 === 0)
      curve.training.push({ x, y: window.reduce((sum, { loss }) => sum + Number(loss), 0) / window.length });
  }
  return {
    ...shape,
    lr: settingOf('lr'),
    finalRate: settingOf('finalRate'),
    seed: settingOf('seed'),
    curve,
    tokens: tokensAt(shape.steps),
  };
}

const stages: Awaited<ReturnType<typeof readStage>>[] = [];
let total = 0;
for (const run of runs) {
  const stage = await readStage(run, total);
  stages.push(stage);
  total += stage.tokens;
}

const folder = runs.at(-1)!;
const texts = (await readdir(folder)).find(name => name.startsWith('text-'))!;
const corpus = (await stat(join(folder, texts, 'train.tokens'))).size / 2 / 1e6; // 16 bits a token

await mkdir(out, { recursive: true });
for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
  await copyFile(join(folder, 'model', name), join(out, name));
}
const heldOut = stages.flatMap(({ curve }) => curve.heldOut);
const chart = lineChart({
  title: 'Training of the starter',
  subtitle: 'training loss (mean of 49 steps) and loss on held-out documents',
  x: { label: 'million tokens' },
  y: { label: 'nats per token' },
  series: [
    { name: 'training', points: stages.flatMap(({ curve }) => curve.training) },
    { name: 'held out', points: heldOut },
  ],
});
await writeFile(join(out, 'loss.svg'), chart);

const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'));
const bytes = (await stat(join(out, 'model.safetensors'))).size;
const loss = heldOut.at(-1)!.y;
const stageRows = stages.map(({ steps, batchSize, blockLength, tokens, lr, finalRate, seed, curve }, i) => {
  const reached = curve.heldOut.at(-1)!.y;
  return `| ${i + 1} | ${steps} of ${batchSize} x ${blockLength} tokens | ${tokens.toFixed(1)} | ${lr} to ${Number((lr * finalRate).toPrecision(6))} | ${seed} | ${reached.toFixed(3)} | ${Math.exp(reached).toFixed(1)} |`;
});
const commands = stages.map(({ steps, batchSize, blockLength, lr, finalRate, seed }, i) => {
  const start = i > 0 ? ` --start ${runs[i - 1]}/model` : '';
  return `node recipes/starter.ts --text runs/starter-texts.jsonl.gz --out ${runs[i]}${start} --steps ${steps} \\
  --batch-size ${batchSize} --block-length ${blockLength} --lr ${lr} --final-rate ${finalRate} --seed ${seed} --dtype F16`;
});
const card = `---
license: apache-2.0
library_name: transformers
language: en
tags: [idiolect, commits, titles]
---

# The starter

A small Llama, trained from nothing by idiolect's own engine, so that examples, tests and the demo have a real backbone
and nothing is downloaded. \`--model starter\` names it. It writes subject lines of commits and titles of abstracts, and
neither well: it is there to be adapted, and for its size.

| what                 | value                                                                                   |
| -------------------- | --------------------------------------------------------------------------------------- |
| architecture         | Llama, ${config.num_hidden_layers} layers, width ${config.hidden_size}, ${config.num_attention_heads} heads, feed-forward ${config.intermediate_size}, ${config.max_position_embeddings} positions, tied embeddings |
| parameters           | ${(bytes / 2 / 1e6).toFixed(2)} million, F16 (${(bytes / 1e6).toFixed(1)} MB) |
| tokenizer            | byte-level BPE, ${config.vocab_size} entries, trained on the same texts |
| training             | ${total.toFixed(1)} million tokens, ${(total / corpus).toFixed(1)} passes over ${corpus.toFixed(1)} million; AdamW, weight decay 0.1, 100 steps of warm-up, then a cosine |
| held-out loss        | ${loss.toFixed(3)} nats a token on 64 blocks of held-out commits, perplexity ${Math.exp(loss).toFixed(1)} |

| stage | steps | million tokens | rate | seed | held-out loss | perplexity |
| ----- | ----- | -------------- | ---- | ---- | ------------- | ---------- |
${stageRows.join('\n')}

The second stage continues from the weights of the first, with a schedule and an order of blocks of its own.

![loss curve](loss.svg)

## Data

| text                                                            | shape                                       | licence                               |
| --------------------------------------------------------------- | ------------------------------------------- | ------------------------------------- |
| 61,271 commits of rails, sympy, brew, meteor, ember, tinygrad, tmux | changed files and diff -> subject line; a fifth after one or two other commits of the author | MIT, BSD, ISC (the projects' own) |
| a fifth of the abstracts of the ACL Anthology                   | abstract -> title                           | CC BY 4.0, by their authors           |
| a tenth of commit messages of permissively licensed projects    | plain text                                  | the projects' own                     |
| a tenth of some English novels                                  | plain text                                  | CC0, public domain                    |

The authors and papers of the project's evaluation sets are left out. \`recipes/starter-texts.ts\` makes the texts,
\`recipes/starter.ts\` trains, \`recipes/starter-card.ts\` writes this page:

\`\`\`sh
node recipes/starter-texts.ts --data FOLDER --out runs/starter-texts.jsonl.gz
${commands.join('\n')}
node recipes/starter-card.ts
\`\`\`

## Limits

A few of the held-out commits stand as examples in training prompts of the same author, so that the held-out loss is a
little too good. It knows little of the world and less of code. It has seen prompts of up to ${stages.at(-1)!.blockLength} tokens, in the chat template's form
(\`<|user|>...<|assistant|>\`), for two tasks; it follows no other instruction, so profiles (PAG) and judgements by it are
noise. Trained on ${total.toFixed(0)} million tokens, it is far from what a model of its size could learn. It
repeats what people wrote in public, their mistakes and manners included. Results on it say how methods
compare on a small model, not how they would on a large one.
`;
await writeFile(join(out, 'README.md'), card);
console.log(`${out}: held-out perplexity ${Math.exp(loss).toFixed(2)}`);
