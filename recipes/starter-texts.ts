/**
 * The texts the starter is trained on, as one file of documents for `recipes/starter.ts`: commits and abstracts as
 * requests with their answers, some after other commits of their author, and plain text besides.
 *
 *   node recipes/starter-texts.ts --data FOLDER --out runs/starter-texts.jsonl.gz
 *
 * FOLDER holds corpus-commit-task.jsonl.gz, corpus-commit-messages.jsonl.gz, corpus-acl.txt.gz and corpus-books.txt.gz
 * (starter/README.md says where they come from).
 */
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { random } from '../src/common/random.ts';
import { withExamples } from '../src/histories/augment.ts';
import { type HistoryRecord, readCommits, renderPrompt } from '../src/histories/index.ts';
import { readLines } from '../src/histories/lines.ts';
import { capWords } from '../src/histories/templates.ts';

const { values } = parseArgs({
  options: { data: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string', default: '0' } },
});
const { data, out } = values;
if (!data || !out) throw new Error('--data FOLDER and --out FILE are needed');
const seed = Number(values.seed);

/** Shares of the corpora, so that one pass fits two hours of two cores; requests come first. */
const SHARES = { withExamples: 0.2, abstracts: 0.2, messages: 0.1, books: 0.1 };
/** Words of an abstract, so that a request fits a block of training. */
const ABSTRACT_WORDS = 120;

/** What `chat_template` of recipes/starter.ts makes of one turn, and the answer. */
const exchange = (prompt: string, answer: string) => `<|user|>${prompt}<|assistant|>${answer}`;

async function* commits(): AsyncGenerator<string> {
  const byUser = new Map<string, HistoryRecord[]>();
  for await (const record of readCommits(join(data!, 'corpus-commit-task.jsonl.gz'))) {
    byUser.set(record.user, [...(byUser.get(record.user) ?? []), record]);
  }
  const all = [...byUser.values()].flat();
  const source = random(seed, 'commits');
  for (const record of source.shuffled(all)) {
    const prompt = renderPrompt('commit-subject', record);
    const others = byUser.get(record.user)!.filter(({ output }) => output !== record.output);
    const isShown = source.uniform() < SHARES.withExamples && others.length >= 2;
    const shown = isShown ? source.shuffled(others).slice(0, 1 + source.integer(2)) : [];
    yield exchange(withExamples(prompt, shown), record.output);
  }
}

/** Documents separated by blank lines. */
async function* paragraphs(name: string): AsyncGenerator<string[]> {
  let lines: string[] = [];
  for await (const { text } of readLines(join(data!, name))) {
    if (text?.trim()) lines.push(text);
    else if (lines.length > 0) {
      yield lines;
      lines = [];
    }
  }
  if (lines.length > 0) yield lines;
}

async function* abstracts(): AsyncGenerator<string> {
  const source = random(seed, 'abstracts');
  for await (const [title, ...abstract] of paragraphs('corpus-acl.txt.gz')) {
    if (abstract.length === 0 || source.uniform() >= SHARES.abstracts) continue;
    const input = capWords(abstract.join(' '), ABSTRACT_WORDS);
    yield exchange(renderPrompt('scholarly-title', { input }), title!);
  }
}

async function* messages(): AsyncGenerator<string> {
  const source = random(seed, 'messages');
  for await (const { text } of readLines(join(data!, 'corpus-commit-messages.jsonl.gz'))) {
    if (text?.trim() && source.uniform() < SHARES.messages) yield JSON.parse(text).m;
  }
}

async function* books(): AsyncGenerator<string> {
  const source = random(seed, 'books');
  for await (const lines of paragraphs('corpus-books.txt.gz')) {
    if (source.uniform() < SHARES.books) yield lines.join('\n');
  }
}

async function* documents(): AsyncGenerator<string> {
  for (const kind of [commits, abstracts, messages, books]) {
    let [count, characters] = [0, 0];
    for await (const text of kind()) {
      yield `${JSON.stringify({ text })}\n`;
      count += 1;
      characters += text.length;
    }
    console.error(`${kind.name}: ${count} documents, ${(characters / 1e6).toFixed(1)} million characters`);
  }
}

await pipeline(Readable.from(documents()), createGzip(), createWriteStream(`${out}.part`));
await rename(`${out}.part`, out);
