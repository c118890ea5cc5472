/** One ONNX Runtime session: a graph, the weights it reads in place, and the device it runs on. */
import { InferenceSession } from 'onnxruntime-node';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { encode, type Graph } from '../graph/index.ts';
import type { Feeds, Tensor } from './tensor.ts';

export const engineSchema = z.object({
  device: z.enum(['cpu', 'cuda', 'webgpu']).default('cpu').describe('where the engine computes'),
  threads: z.int().nonnegative().default(0).describe('threads of the engine; 0: one for each physical core'),
});

export type EngineOptions = z.infer<typeof engineSchema>;

export const defaultEngine: EngineOptions = { device: 'cpu', threads: 0 };

export class Session {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /**
   * Compiles a graph.
   *
   * @param weightsFolder the folder the graph's weight files are relative to
   * @throws IdiolectError ENGINE when the device is not there or the graph is refused
   */
  static async create(g: Graph, options: EngineOptions, weightsFolder?: string): Promise<Session> {
    return Session.#open(encode(g), options, weightsFolder);
  }

  /**
   * Opens an ONNX file that another program wrote; its external data, if any, is found beside it.
   *
   * @throws IdiolectError ENGINE when the device is not there or the file is refused
   */
  static async load(file: string, options: EngineOptions): Promise<Session> {
    return Session.#open(file, options);
  }

  static async #open(model: Uint8Array | string, options: EngineOptions, weightsFolder?: string): Promise<Session> {
    const settings: InferenceSession.SessionOptions = {
      executionProviders: [options.device],
      ...(options.threads > 0 && { intraOpNumThreads: options.threads }),
      logSeverityLevel: 3,
      // The arena spares a page fault per activation. A memory pattern would reserve, per batch shape, all a run
      // ever allocates at addresses of their own; without one freed activations are used again within the run.
      enableCpuMemArena: true,
      enableMemPattern: false,
      extra: {
        session: {
          // Packed copies of the weights would double their memory for a few per cent of speed.
          disable_prepacking: '1',
          ...(weightsFolder && { model_external_initializers_file_folder_path: weightsFolder }),
        },
      },
    };
    try {
      const opening =
        typeof model === 'string' ? InferenceSession.create(model, settings) : InferenceSession.create(model, settings);
      return new Session(await opening);
    } catch (error) {
      const what = typeof model === 'string' ? `${model}: the` : 'the';
      throw new IdiolectError('ENGINE', `${what} engine could not start on "${options.device}": ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Name and element type of each input, such as `int64`; of a file that others wrote they are not known before. */
  get inputs(): readonly { readonly name: string; readonly type: string }[] {
    return this.#session.inputMetadata.map(input => ({ name: input.name, type: input.isTensor ? input.type : 'none' }));
  }

  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  /** Runs the graph. Inputs the graph does not read are ignored, so one set of feeds serves several graphs. */
  async run(feeds: Feeds): Promise<Readonly<Record<string, Tensor>>> {
    const used: Record<string, Tensor> = {};
    for (const name of this.#session.inputNames) {
      const tensor = feeds[name];
      if (!tensor) throw new IdiolectError('ENGINE', `the graph needs an input "${name}" that was not given.`);
      used[name] = tensor;
    }
    return this.#session.run(used) as Promise<Record<string, Tensor>>;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
