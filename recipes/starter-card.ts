/**
 * The trained starter as it stands in the repository: its folder, a model card with the numbers of the run, the loss curve.
 *
 *   node recipes/starter-card.ts --run runs/starter --out starter
 */
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lineChart } from '../src/charts/line-chart.ts';
import { RunFolder } from '../src/training/run-folder.ts';

const { run = 'runs/starter', out = 'starter' } = parseArgs({
  options: { run: { type: 'string' }, out: { type: 'string' } },
}).values;

const folder = new RunFolder(run);
const record = await folder.read();
if (!record) throw new Error(`${run} holds no run; train the starter first (recipes/starter.ts)`);
const settingOf = (key: string) => record.settings[key]?.value as number;
const tokensAt = (step: number) => (step * settingOf('batchSize') * settingOf('blockLength')) / 1e6;
const steps = await folder.readMetrics();
const heldOut = steps.filter(({ held_out_loss: loss }) => typeof loss === 'number');
const smoothed = steps
  .map(({ step, loss }, i) => {
    const window = steps.slice(Math.max(0, i - 24), i + 25);
    return { x: tokensAt(step), y: window.reduce((sum, { loss }) => sum + Number(loss), 0) / window.length, loss };
  })
  .filter((_, i) => i % 25 === 0);

await mkdir(out, { recursive: true });
for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
  await copyFile(join(run, 'model', name), join(out, name));
}
const curve = lineChart({
  title: 'Training of the starter',
  subtitle: 'training loss (mean of 49 steps) and loss on held-out documents',
  x: { label: 'million tokens' },
  y: { label: 'nats per token' },
  series: [
    { name: 'training', points: smoothed.map(({ x, y }) => ({ x, y })) },
    { name: 'held out', points: heldOut.map(({ step, held_out_loss: y }) => ({ x: tokensAt(step), y: Number(y) })) },
  ],
});
await writeFile(join(out, 'loss.svg'), curve);

const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'));
const bytes = (await stat(join(out, 'model.safetensors'))).size;
const last = Number(heldOut.at(-1)!.held_out_loss);
const total = steps.at(-1)!.step;
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
| training             | ${total} steps of ${settingOf('batchSize')} x ${settingOf('blockLength')} tokens = ${tokensAt(total).toFixed(1)} million tokens, less than one pass; AdamW, peak rate ${settingOf('lr')}, cosine; seed ${settingOf('seed')} |
| held-out loss        | ${last.toFixed(3)} nats a token on 64 blocks of held-out commits, perplexity ${Math.exp(last).toFixed(1)} |

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
node recipes/starter.ts --text runs/starter-texts.jsonl.gz --out runs/starter --steps ${total} \\
  --batch-size ${settingOf('batchSize')} --block-length ${settingOf('blockLength')} --dtype F16
node recipes/starter-card.ts
\`\`\`

## Limits

A few of the held-out commits stand as examples in training prompts of the same author, so that the held-out loss is a
little too good. It knows little of the world and less of code. It has seen prompts of up to ${settingOf('blockLength')} tokens, in the chat template's form
(\`<|user|>...<|assistant|>\`), for two tasks; it follows no other instruction, so profiles (PAG) and judgements by it are
noise. Trained on ${tokensAt(total).toFixed(0)} million tokens, it is far from what a model of its size could learn. It
repeats what people wrote in public, their mistakes and manners included. Results on it say how methods
compare on a small model, not how they would on a large one.
`;
await writeFile(join(out, 'README.md'), card);
console.log(`${out}: held-out perplexity ${Math.exp(last).toFixed(2)}`);
