/** ONNX Runtime in Node. */
import { env, InferenceSession, listSupportedBackends, Tensor as RuntimeTensor } from 'onnxruntime-node';
import type { Backend, CompiledGraph, CompileOptions } from './backend.ts';
import type { Feeds, Tensor } from './tensor.ts';

export const onnxruntimeNode: Backend = {
  name: `onnxruntime-node ${env.versions.node}`,
  devices: listSupportedBackends().flatMap(({ name, bundled }) => (bundled ? [name] : [])),

  async compile(model, options) {
    const settings = settingsOf(options);
    const session = await (typeof model === 'string'
      ? InferenceSession.create(model, settings)
      : InferenceSession.create(model, settings));
    return new RuntimeGraph(session);
  },
};

function settingsOf({ device, threads, weightsFolder }: CompileOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    ...(threads > 0 && { intraOpNumThreads: threads }),
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
}

class RuntimeGraph implements CompiledGraph {
  readonly #session: InferenceSession;

  constructor(session: InferenceSession) {
    this.#session = session;
  }

  get inputs(): CompiledGraph['inputs'] {
    return this.#session.inputMetadata.map(input => ({ name: input.name, type: input.isTensor ? input.type : 'none' }));
  }

  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  async run(feeds: Feeds): Promise<Readonly<Record<string, Tensor>>> {
    const given = Object.entries(feeds).map(([name, tensor]) => [name, runtimeTensor(tensor)]);
    return this.#session.run(Object.fromEntries(given)) as Promise<Record<string, RuntimeTensor & Tensor>>;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** The same numbers, not copied; a result of an earlier run goes back as it came. */
function runtimeTensor(tensor: Tensor): RuntimeTensor {
  if (tensor instanceof RuntimeTensor) return tensor;
  return new RuntimeTensor(tensor.type as RuntimeTensor.Type, tensor.data, tensor.dims);
}
