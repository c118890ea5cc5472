/** What computes graphs: the port between this project and an engine. One file implements it for each engine. */
import type { Feeds, Tensor } from './tensor.ts';

export interface CompileOptions {
  readonly device: string;
  /** 0: as many as the engine thinks best. */
  readonly threads: number;
  /** The folder that the graph's weight files are relative to. */
  readonly weightsFolder?: string;
}

export interface CompiledGraph {
  /** Name and element type of each input, such as `int64`. */
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
  readonly outputNames: readonly string[];
  /** @param feeds a tensor for each input, and no other */
  run(feeds: Feeds): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

export interface Backend {
  /** With its version. */
  readonly name: string;
  /** Devices that come with it; a driver may still be missing. */
  readonly devices: readonly string[];
  /**
   * @param model an encoded graph, or an ONNX file whose external data is beside it
   * @throws with the engine's own words where the device is not there or the graph is refused
   */
  compile(model: Uint8Array | string, options: CompileOptions): Promise<CompiledGraph>;
}
