/** One session: a graph, the weights it reads in place, and the device it runs on. */
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { encode, type Graph } from '../graph/index.ts';
import type { Backend, CompiledGraph } from './backend.ts';
import { onnxruntimeNode } from './onnxruntime-node.ts';
import type { Feeds, Tensor } from './tensor.ts';

/** What computes, everywhere. */
export const backend: Backend = onnxruntimeNode;

export const engineSchema = z.object({
  device: z.enum(['cpu', 'cuda', 'webgpu']).default('cpu').describe('where the engine computes'),
  threads: z.int().nonnegative().default(0).describe('threads of the engine; 0: one for each physical core'),
});

export type EngineOptions = z.infer<typeof engineSchema>;

export const defaultEngine: EngineOptions = { device: 'cpu', threads: 0 };

export class Session {
  readonly #compiled: CompiledGraph;
  readonly #inputs: CompiledGraph['inputs'];

  private constructor(compiled: CompiledGraph) {
    this.#compiled = compiled;
    this.#inputs = compiled.inputs;
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
    try {
      return new Session(await backend.compile(model, { ...options, ...(weightsFolder && { weightsFolder }) }));
    } catch (error) {
      const what = typeof model === 'string' ? `${model}: the` : 'the';
      const reason = reasonOf(error);
      throw new IdiolectError('ENGINE', `${what} engine could not start on "${options.device}": ${reason}`, {
        cause: error,
      });
    }
  }

  /** Name and element type of each input, such as `int64`; of a file that others wrote they are not known before. */
  get inputs(): CompiledGraph['inputs'] {
    return this.#inputs;
  }

  get outputNames(): readonly string[] {
    return this.#compiled.outputNames;
  }

  /** Runs the graph. Inputs the graph does not read are ignored, so one set of feeds serves several graphs. */
  async run(feeds: Feeds): Promise<Readonly<Record<string, Tensor>>> {
    const used: Record<string, Tensor> = {};
    for (const { name } of this.#inputs) {
      const tensor = feeds[name];
      if (!tensor) throw new IdiolectError('ENGINE', `the graph needs an input "${name}" that was not given.`);
      used[name] = tensor;
    }
    return this.#compiled.run(used);
  }

  async release(): Promise<void> {
    await this.#compiled.release();
  }
}
