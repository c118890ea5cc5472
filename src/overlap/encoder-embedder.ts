/** A sentence encoder in ONNX as an embedder: any export of a Hugging Face encoder, run by the same engine. */
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { type EngineOptions, Session } from '../engine/session.ts';
import { type Feeds, floats, int32, int64 } from '../engine/tensor.ts';
import { TextTokenizer } from '../model/text-tokenizer.ts';
import { meanRow } from './backbone-embedder.ts';
import type { EmbeddedText, Embedder } from './embedder.ts';
import {
  encoderFingerprint,
  encoderMaxTokens,
  encoderModelFile,
  encoderPooling,
  type Pooling,
} from './encoder-folder.ts';

/** Outputs in the order they are looked for; `tokens` are states to pool, `text` is one vector already. */
const OUTPUTS = [
  { name: 'sentence_embedding', of: 'text' },
  { name: 'last_hidden_state', of: 'tokens' },
  { name: 'token_embeddings', of: 'tokens' },
  { name: 'pooler_output', of: 'text' },
] as const;

/** What a text is fed as, by the name of the input. */
const INPUTS: Readonly<Record<string, (ids: readonly number[]) => readonly number[]>> = {
  input_ids: ids => ids,
  attention_mask: ids => ids.map(() => 1),
  token_type_ids: ids => ids.map(() => 0),
};

type Tokenize = (text: string) => readonly number[];

/** Embeds the completion alone, as these models are made for plain texts; no prefix is put before it. */
export class EncoderEmbedder implements Embedder {
  readonly name: string;
  readonly width: number;
  readonly #run: (text: string) => Promise<Float32Array>;
  readonly #session: Session;

  private constructor(name: string, width: number, session: Session, run: (text: string) => Promise<Float32Array>) {
    this.name = name;
    this.width = width;
    this.#session = session;
    this.#run = run;
  }

  /**
   * @param folder with model.onnx or onnx/model.onnx, tokenizer.json, config.json and, where it has them, the files
   *   of sentence-transformers
   * @throws IdiolectError MODEL, TOKENIZER or ENGINE naming what keeps it from being used as an encoder
   */
  static async open(folder: string, engine: EngineOptions): Promise<EncoderEmbedder> {
    const file = await encoderModelFile(folder);
    const tokenize = await tokenizerOf(folder, await encoderMaxTokens(folder));
    const fingerprint = await encoderFingerprint(folder, file);
    const session = await Session.load(file, engine);
    try {
      const output = OUTPUTS.find(({ name }) => session.outputNames.includes(name));
      if (!output) refuse(file, `its outputs are ${session.outputNames.join(', ')}`);
      const pooling = output.of === 'tokens' ? await encoderPooling(folder) : undefined;
      const feed = feeder(file, session);
      const run = async (text: string) => {
        const tensor = (await session.run(feed(tokenize(text))))[output.name]!;
        if (tensor.type !== 'float32' || tensor.dims.length !== (pooling ? 3 : 2)) {
          refuse(file, `its output ${output.name} is ${tensor.type} [${tensor.dims.join(', ')}]`);
        }
        const values = floats(tensor);
        return pooling ? pool(values, tensor.dims[2]!, pooling) : values.slice();
      };
      const { length } = await run('a'); // the width, and the proof that it runs
      return new EncoderEmbedder(`encoder-${fingerprint.slice(0, 32)}-${engine.device}`, length, session, run);
    } catch (error) {
      await session.release();
      if (error instanceof IdiolectError) throw error;
      return refuse(file, `the engine cannot run it (${reasonOf(error)})`);
    }
  }

  async embed({ completion }: EmbeddedText): Promise<Float32Array> {
    return this.#run(completion);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** Ids of a text with the tokenizer's special tokens; what is too long loses its end, not its special tokens. */
async function tokenizerOf(folder: string, maxTokens: number): Promise<Tokenize> {
  const tokenizer = await TextTokenizer.read(folder);
  const framed = tokenizer.encode('a', { framed: true });
  const bare = tokenizer.encode('a');
  const after = framed.length - framed.indexOf(bare[0]!) - bare.length;
  return text => {
    const ids = tokenizer.encode(text, { framed: true });
    if (ids.length <= maxTokens) return ids;
    return [...ids.slice(0, maxTokens - after), ...ids.slice(ids.length - after)];
  };
}

function feeder(file: string, session: Session): (ids: readonly number[]) => Feeds {
  for (const { name, type } of session.inputs) {
    if (!INPUTS[name] || !['int32', 'int64'].includes(type)) refuse(file, `it has an input ${name} of ${type}`);
  }
  return ids =>
    Object.fromEntries(
      session.inputs.map(({ name, type }) => {
        const values = INPUTS[name]!(ids);
        return [name, (type === 'int32' ? int32 : int64)(values, [1, ids.length])];
      }),
    );
}

/** One text is run by itself, so every token counts: there is no padding to mask. */
function pool(states: Float32Array, width: number, { mode, normalize }: Pooling): Float32Array {
  const vector = mode === 'cls' ? states.slice(0, width) : meanRow(states, width);
  if (!normalize) return vector;
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map(value => value / Math.max(length, 1e-12));
}

function refuse(file: string, found: string): never {
  throw new IdiolectError(
    'MODEL',
    `${file} is not a sentence encoder: ${found}. Expected are integer inputs ${Object.keys(INPUTS).join(', ')} ` +
      `and an output ${OUTPUTS.map(({ name }) => name).join(' or ')} in float32.`,
  );
}
