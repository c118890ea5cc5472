/**
 * A starter backbone from nothing: a byte-level BPE tokenizer and a small Llama, trained on text files, as a Hugging
 * Face folder. Text is turned into tokens once; stopped at any point, the same command continues.
 *
 *   node recipes/starter.ts --text novels.txt.gz,messages.jsonl.gz --field m --out runs/starter --steps 10000
 *
 * In a text file a blank line ends a document; in JSON Lines each record's --field is one. <|user|> and <|assistant|>
 * in it open the turns of a conversation. --start continues from a model of the same texts, with a schedule of its own.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { helpText, parseLine, type Verb } from '../src/cli/verb.ts';
import { IdiolectError } from '../src/common/errors.ts';
import { exists, sha256, sha256OfFile } from '../src/common/files.ts';
import { random } from '../src/common/random.ts';
import type { Resolved } from '../src/common/settings.ts';
import { readLines } from '../src/histories/lines.ts';
import { TextTokenizer } from '../src/model/text-tokenizer.ts';
import { countPieces, pieces, tokenizerJson, trainBpe } from '../src/pretraining/bpe-trainer.ts';
import { type PretrainEvent, type PretrainSettings, pretrain, pretrainSchema } from '../src/pretraining/pretrain.ts';
import { readTokens, writeTokens } from '../src/pretraining/token-file.ts';
import { TimeLeft, terminal } from '../src/terminal/index.ts';

const SPECIALS = ['<pad>', '<s>', '</s>', '<|user|>', '<|assistant|>'];
const [PAD, START, END] = [0, 1, 2];
/** Splits a text at the marks of its turns, keeping them. */
const TURN = /(<\|user\|>|<\|assistant\|>)/;
const isTurn = (part: string) => TURN.test(part);
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}" +
  "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

const starterSchema = z.object({
  text: z.array(z.string()).describe('text or JSON Lines files, plain or gzip'),
  field: z.string().default('text').describe('where the text of a JSON Lines record stands'),
  heldOutShare: z.number().min(0).max(0.5).default(0.005).describe('share of the documents that is never trained on'),
  vocabSize: z.int().default(4096).describe('entries of the tokenizer'),
  layers: z.int().positive().default(5).describe('blocks of the model'),
  width: z.int().positive().default(256).describe('width of the model'),
  heads: z.int().positive().default(4).describe('attention heads'),
  intermediate: z.int().positive().default(704).describe('width inside the feed-forward layers'),
  maxPositions: z.int().positive().default(512).describe('longest sequence config.json admits'),
  ...pretrainSchema.shape,
});
type StarterSettings = z.infer<typeof starterSchema>;

async function* documents({ text, field }: StarterSettings): AsyncGenerator<string> {
  for (const file of text) {
    const isJson = /\.jsonl(\.gz)?$/.test(file);
    let lines: string[] = [];
    for await (const { number, text: line } of readLines(file)) {
      if (line === null) throw new IdiolectError('DATA', `${file}:${number} is not UTF-8 text.`);
      if (isJson) {
        const value = line.trim() === '' ? undefined : JSON.parse(line)[field];
        if (typeof value === 'string' && value !== '') yield value;
      } else if (line.trim() !== '') lines.push(line);
      else if (lines.length > 0) {
        yield lines.join('\n');
        lines = [];
      }
    }
    if (lines.length > 0) yield lines.join('\n');
  }
}

async function* share(settings: StarterSettings, heldOut: boolean): AsyncGenerator<string> {
  let index = 0;
  for await (const document of documents(settings)) {
    if (random(0, `held-out/${index++}`).uniform() < settings.heldOutShare === heldOut) yield document;
  }
}

/** The folder of tokenizer and token files; another choice of texts or vocabulary has another. */
async function prepare(settings: StarterSettings, say: (text: string) => void): Promise<string> {
  const { text, field, heldOutShare, vocabSize, out } = settings;
  const hashes = await Promise.all(text.map(sha256OfFile));
  const folder = join(out, `text-${sha256(JSON.stringify({ hashes, field, heldOutShare, vocabSize })).slice(0, 12)}`);
  await mkdir(folder, { recursive: true });
  const tokenizerFile = join(folder, 'tokenizer.json');
  const settingsFile = join(folder, 'tokenizer_config.json');
  if (!(await exists(settingsFile))) {
    const counts = new Map<string, number>();
    for await (const document of share(settings, false)) {
      for (const part of document.split(TURN)) if (!isTurn(part)) countPieces(part, counts);
    }
    say(`training a tokenizer of ${vocabSize} entries on ${counts.size} distinct pieces of text`);
    const bpe = trainBpe(counts, { vocabSize, specials: SPECIALS, minFrequency: 2 });
    await writeFile(tokenizerFile, `${JSON.stringify(tokenizerJson(bpe, SPECIALS), null, 1)}\n`);
    const names = { pad_token: '<pad>', bos_token: '<s>', eos_token: '</s>' };
    const tokenizerSettings = {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...names,
      chat_template: CHAT_TEMPLATE,
      model_max_length: settings.maxPositions,
    };
    await writeFile(settingsFile, `${JSON.stringify(tokenizerSettings, null, 2)}\n`);
  }
  const tokenizer = await TextTokenizer.read(folder);
  // Each piece is encoded by itself whatever stands around it, and most have been seen before.
  const known = new Map<string, readonly number[]>();
  const encodePiece = (piece: string) => {
    const ids = known.get(piece) ?? tokenizer.encode(piece);
    if (known.size < 1_000_000) known.set(piece, ids);
    return ids;
  };
  const encode = (document: string) =>
    document.split(TURN).flatMap(part => (isTurn(part) ? [tokenizer.idOf(part)!] : pieces(part).flatMap(encodePiece)));
  for (const [name, heldOut] of [['train', false] as const, ['held-out', true] as const]) {
    const file = join(folder, `${name}.tokens`);
    if (await exists(file)) continue;
    say(`${name}: ${await writeTokens(file, share(settings, heldOut), encode, END)} tokens`);
  }
  return folder;
}

/** @throws IdiolectError DATA where the ids of the tokens would mean other pieces to the model that is gone on from */
async function requireTokenizer({ start }: StarterSettings, folder: string): Promise<void> {
  if (start === undefined) return;
  const [theirs, ours] = await Promise.all([start, folder].map(of => sha256OfFile(join(of, 'tokenizer.json'))));
  if (theirs === ours) return;
  throw new IdiolectError(
    'DATA',
    `${start} has another tokenizer than --text gives. Give the texts it was trained on.`,
  );
}

const configOf = (settings: StarterSettings) => ({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: settings.vocabSize,
  hidden_size: settings.width,
  intermediate_size: settings.intermediate,
  num_hidden_layers: settings.layers,
  num_attention_heads: settings.heads,
  num_key_value_heads: settings.heads,
  max_position_embeddings: settings.maxPositions,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
  hidden_act: 'silu',
  initializer_range: 0.02,
  pad_token_id: PAD,
  bos_token_id: START,
  eos_token_id: END,
});

const out = terminal();

function reporter({ batchSize, blockLength }: StarterSettings): (event: PretrainEvent) => void {
  let clock = new TimeLeft();
  let started = 0;
  let from = 0;
  return event => {
    switch (event.type) {
      case 'start':
        out.say(`${(event.parameters / 1e6).toFixed(2)} million parameters, ${event.steps} steps`);
        clock = new TimeLeft();
        started = performance.now();
        break;
      case 'notice':
        out.say(`note: ${event.message}`);
        break;
      case 'resume':
        from = event.step;
        out.say(`continues after step ${event.step}`);
        break;
      case 'step': {
        const rate = ((event.step - from) * batchSize * blockLength * 1000) / (performance.now() - started);
        const left = clock.after(event.step - from, event.steps - from);
        const at = `step ${event.step}/${event.steps} loss ${event.loss.toFixed(4)}`;
        out.progress(`${at} ${rate.toFixed(0)} tokens/s ${left}`);
        break;
      }
      case 'held-out':
        out.say(
          `step ${event.step}: held-out loss ${event.loss.toFixed(4)}, perplexity ${Math.exp(event.loss).toFixed(2)}`,
        );
        break;
      default:
        event satisfies never;
    }
  };
}

const recipe: Verb = {
  name: 'starter',
  summary: 'Trains a tokenizer and a small Llama from nothing on text files.',
  operands: [],
  schema: starterSchema,
  example: 'node recipes/starter.ts --text novels.txt.gz --out runs/starter --steps 10000',
  async run({ resolved, signal }) {
    const settings = resolved as unknown as Resolved<StarterSettings>;
    const folder = await prepare(settings.values, out.say);
    await requireTokenizer(settings.values, folder);
    const values = pretrainSchema.parse(settings.values) as PretrainSettings;
    const companions = ['tokenizer.json', 'tokenizer_config.json'].map(name => join(folder, name));
    const tokens = await readTokens(join(folder, 'train.tokens'));
    const heldOut = await readTokens(join(folder, 'held-out.tokens'));
    const { origins } = settings;
    const own = Object.fromEntries(Object.keys(values).map(key => [key, origins[key] ?? 'default']));
    const summary = await pretrain(
      { values, origins: own },
      { config: configOf(settings.values), tokens, heldOut, companions },
      { version: 'recipe', onEvent: reporter(settings.values), signal },
    );
    out.print(`${summary.model}: held-out perplexity ${Math.exp(summary.heldOutLoss ?? Number.NaN).toFixed(2)}`);
  },
};

const stop = new AbortController();
process.on('SIGINT', () => {
  if (stop.signal.aborted) process.exit(130);
  stop.abort();
});
try {
  const { help, ...line } = await parseLine(recipe, process.argv.slice(2));
  if (help) out.print(helpText(recipe));
  else await recipe.run({ ...line, terminal: out, signal: stop.signal });
} catch (error) {
  if (!(error instanceof IdiolectError)) throw error;
  out.say(error.message);
  process.exitCode = error.code === 'INTERRUPTED' ? 130 : 1;
}
