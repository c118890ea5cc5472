/**
 * A model's frozen weights in 8 bits: made once, kept in the cache folder, and read in place from then on.
 *
 * The base depends on the model alone. Which channels are large is found on texts of our own, so it holds no user's
 * text, stays valid when a user is forgotten, and is the same for every run on the model.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCacheFolder } from '../common/cache-folder.ts';
import { IdiolectError } from '../common/errors.ts';
import { exists, writeFolderAtomic } from '../common/files.ts';
import { stopIfAsked } from '../common/stop.ts';
import { type EngineOptions, Session } from '../engine/session.ts';
import { float32, floats } from '../engine/tensor.ts';
import { abs, Graph, int8Product, reduceMax, type Value } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { Decoder, decoderInputs } from '../model/decoder.ts';
import { HEAD, inputOf } from '../model/int8/layout.ts';
import type { InputRanges } from '../model/int8/smoothing.ts';
import { writeInt8Base } from '../model/int8/write.ts';
import { ropeSource } from '../model/rope.ts';
import { readHeader } from '../model/safetensors.ts';
import { FileWeights } from '../model/weight-source.ts';
import { packRows } from './batch.ts';

/** Changes with whatever changes the numbers of a base. */
const RECIPE = '1';

const FILE = 'base.safetensors';

export interface Int8BaseOptions {
  /** Where bases are kept (default: the user's cache folder). */
  readonly cache?: string | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The checkpoint with its 8-bit base, which is made first if it is not in the cache.
 *
 * @param calibration token ids of the texts that show which channels are large; the same for every base of a model
 * @throws IdiolectError CONFIG where the device or the processor cannot multiply bytes exactly, INTERRUPTED when stopped
 *   by the signal
 */
export async function withInt8Base(
  checkpoint: Checkpoint,
  calibration: readonly (readonly number[])[],
  engine: EngineOptions,
  { cache = defaultCacheFolder(), onNotice, signal }: Int8BaseOptions = {},
): Promise<Checkpoint> {
  await requireExactBytes(engine);
  const folder = join(cache, 'int8', `${checkpoint.fingerprint.slice(0, 32)}-${RECIPE}`);
  if (!(await exists(join(folder, FILE)))) {
    onNotice?.(`preparing the 8-bit base of ${checkpoint.name}; it is kept in ${folder}`);
    const ranges = await inputRanges(checkpoint, calibration, engine);
    const metadata = { format: 'pt', recipe: RECIPE, model: checkpoint.fingerprint };
    const onWeights = () => stopIfAsked(signal, 'the 8-bit base is not finished, and nothing of it is kept');
    await writeFolderAtomic(folder, staging =>
      writeInt8Base(join(staging, FILE), checkpoint, ranges, { metadata, onWeights }),
    );
  }
  const weightsFolder = await realpath(folder);
  const tensors = await readHeader(join(weightsFolder, FILE));
  return { ...checkpoint, int8: { tensors, weightsFolder, recipe: RECIPE } };
}

/** The weights of a checkpoint that report the largest value of each channel of every input they multiply. */
class RecordingWeights extends FileWeights {
  readonly #g: Graph;
  readonly #seen = new Set<string>();

  constructor(g: Graph, checkpoint: Checkpoint) {
    super(g, checkpoint);
    this.#g = g;
  }

  override linear(x: Value, path: string, bias: Value | undefined): Value {
    this.record(inputOf(path), x);
    return super.linear(x, path, bias);
  }

  record(input: string, x: Value): void {
    if (this.#seen.has(input)) return;
    this.#seen.add(input);
    this.#g.output(input, reduceMax(this.#g, abs(this.#g, x), { axes: [0] }));
  }
}

/** The graph of calibration: for each input, the largest absolute value of each channel over all tokens. */
export function rangesGraph(checkpoint: Checkpoint): Graph {
  const g = new Graph();
  const weights = new RecordingWeights(g, checkpoint);
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  weights.record(HEAD, new Decoder(g, weights).hidden(inputs));
  return g;
}

/** What each input holds while the model reads the sequences. */
async function inputRanges(
  checkpoint: Checkpoint,
  sequences: readonly (readonly number[])[],
  engine: EngineOptions,
): Promise<InputRanges> {
  const rope = ropeSource(checkpoint.config);
  const session = await Session.create(rangesGraph(checkpoint), engine, checkpoint.weightsFolder);
  const ranges = new Map<string, Float32Array>();
  try {
    for (const ids of sequences) {
      const found = await session.run(packRows([ids], rope).feeds);
      for (const [input, values] of Object.entries(found)) {
        const largest = floats(values);
        const known = ranges.get(input);
        ranges.set(input, known ? known.map((value, i) => Math.max(value, largest[i]!)) : largest.slice());
      }
    }
  } finally {
    await session.release();
  }
  return ranges;
}

/** Inputs and outputs of the product that `requireExactBytes` tries. */
const PROBE = 64;

/**
 * Processors without an instruction for products of bytes add two of them in 16 bits, where the largest overflow.
 *
 * @throws IdiolectError CONFIG
 */
async function requireExactBytes(engine: EngineOptions): Promise<void> {
  const advice = 'Use float32.';
  if (engine.device !== 'cpu') {
    throw new IdiolectError('CONFIG', `\`base\` int8 needs \`device\` cpu, and it is ${engine.device}. ${advice}`);
  }
  const g = new Graph();
  const x = g.input('x', 'float32', [1, PROBE]);
  const values = g.constant(new Int8Array(PROBE * PROBE).fill(127), [PROBE, PROBE]);
  const scale = g.constant(new Float32Array(PROBE).fill(1), [PROBE]);
  g.output('y', int8Product(g, x, { values, scale }, 8));
  const session = await Session.create(g, engine);
  const { y } = await session.run({ x: float32(new Float32Array(PROBE).fill(1), [1, PROBE]) });
  await session.release();
  if (floats(y!).every(sum => Math.abs(sum - PROBE * 127) < 1)) return;
  throw new IdiolectError(
    'CONFIG',
    `\`base\` int8 needs a processor that multiplies bytes exactly (AVX-VNNI, AVX-512 VNNI or Arm dot products), ` +
      `and this one does not. ${advice}`,
  );
}
