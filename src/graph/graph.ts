/**
 * The typed graph builder. A graph is a list of nodes in the order they were added, each with one output; every
 * differentiable node carries its gradient rule, so that the list is also the tape that `gradients` walks back.
 */
import { IdiolectError, invariant } from '../common/errors.ts';
import { formatShape, type Shape } from './shape.ts';

export type DType = 'float32' | 'float16' | 'bfloat16' | 'int64' | 'uint8' | 'int8' | 'bool';

/** A tensor in the graph: an input, a constant, a weight in a file, or the output of a node. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One floating-point attribute; a bare number is an integer, as ONNX tells the two apart. */
export interface FloatAttribute {
  readonly float: number;
}
export type Attribute = number | string | FloatAttribute | readonly number[];

export interface Node {
  readonly op: string;
  /** '' for ONNX itself, 'com.microsoft' for ONNX Runtime's own operators. */
  readonly domain: string;
  /** `null` is an optional input that is left out. */
  readonly inputs: readonly (Value | null)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly output: Value;
  /** Where in the model the node was made, such as `layers.0.self_attn`; for the printed form. */
  readonly scope: string;
}

/** Bytes of a weight inside a file, used in place. */
export interface FileSlice {
  /** File name, relative to the folder the session is given. */
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Given the gradient of the output, how to make the gradient of each input; `null` where an input has none. Only
 * the gradients that are wanted are made.
 */
export type GradientRule = (dy: Value) => readonly ((() => Value) | null)[];

interface TapeEntry {
  readonly inputs: readonly (Value | null)[];
  readonly output: Value;
  readonly gradient: GradientRule | null;
}

export type ConstantData = Float32Array | BigInt64Array | Uint8Array | Int8Array;

interface NodeSpec {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly (Value | null)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Left out: nothing differentiable passes through this node. */
  readonly gradient?: GradientRule;
}

export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, { readonly value: Value; readonly data: ConstantData }>();
  readonly weights = new Map<string, { readonly value: Value; readonly slice: FileSlice }>();
  readonly tape: TapeEntry[] = [];
  readonly #names = new Set<string>();
  readonly #memo = new Map<string, Value>();
  #counter = 0;
  #scope = '';
  #taping = true;

  /** A tensor fed at every run. A symbolic dimension may take another size in every run. */
  input(name: string, dtype: DType, shape: Shape): Value {
    const value = this.#named(name, dtype, shape);
    this.inputs.push(value);
    return value;
  }

  /** Names a value as a result of a run. */
  output(name: string, value: Value): void {
    if (this.outputs.some(output => output.name === name)) {
      throw new IdiolectError('GRAPH', `output "${name}" is declared twice; give each output its own name.`);
    }
    this.outputs.push({ name, value });
  }

  /** A frozen weight whose bytes stay where they are: in a file beside others. Slices of one tensor may overlap. */
  weight(name: string, dtype: DType, shape: Shape, slice: FileSlice): Value {
    const known = this.weights.get(name);
    if (known) return known.value;
    const value = this.#named(name, dtype, shape);
    this.weights.set(name, { value, slice });
    return value;
  }

  /** A small constant held in the graph. Equal constants are one. */
  constant(data: ConstantData, shape: readonly number[]): Value {
    const dtype = constantType(data);
    return this.once(`constant ${dtype} ${formatShape(shape)} ${data.join()}`, () => {
      const value = this.#named(this.#fresh(), dtype, shape);
      this.constants.set(value.name, { value, data });
      return value;
    });
  }

  scalar(value: number): Value {
    return this.constant(Float32Array.of(value), []);
  }

  integers(values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Builds a value the first time it is asked for and returns the same one afterwards (masks, index tables). */
  once(key: string, build: () => Value): Value {
    const known = this.#memo.get(key);
    if (known) return known;
    const value = build();
    this.#memo.set(key, value);
    return value;
  }

  emit(spec: NodeSpec): Value {
    const output = this.#named(this.#fresh(), spec.dtype, spec.shape);
    this.nodes.push({
      op: spec.op,
      domain: spec.domain ?? '',
      inputs: spec.inputs,
      attributes: spec.attributes ?? {},
      output,
      scope: this.#scope,
    });
    if (this.#taping) this.tape.push({ inputs: spec.inputs, output, gradient: spec.gradient ?? null });
    return output;
  }

  /**
   * An operator made of others that has a gradient rule of its own, cheaper or more exact than the one its parts
   * would give. The parts stay off the tape.
   */
  composite(inputs: readonly Value[], build: () => Value, gradient: GradientRule): Value {
    const outer = this.#taping;
    this.#taping = false;
    const before = this.nodes.length;
    let output: Value;
    try {
      output = build();
    } finally {
      this.#taping = outer;
    }
    invariant(this.nodes.length > before, 'a composite operator must add a node');
    if (this.#taping) this.tape.push({ inputs, output, gradient });
    return output;
  }

  /** Nodes added by `build` belong to this part of the model in the printed form. */
  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = outer ? `${outer}.${name}` : name;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  #fresh(): string {
    return `%${this.#counter++}`;
  }

  #named(name: string, dtype: DType, shape: Shape): Value {
    if (this.#names.has(name)) {
      throw new IdiolectError('GRAPH', `"${name}" is declared twice; give each input and weight its own name.`);
    }
    this.#names.add(name);
    return { name, dtype, shape };
  }
}

function constantType(data: ConstantData): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  return data instanceof Uint8Array ? 'uint8' : 'int8';
}
