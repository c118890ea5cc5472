/** A graph as the bytes of an ONNX model. Weights stay in their files; the model only says where. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import type { Attribute, Graph, Value } from './graph.ts';
import { ONNX_TYPE } from './ops/elementwise.ts';
import { schedule } from './passes.ts';

const OPSET = 20n;
const IR_VERSION = 10n;

function attributeProto(name: string, value: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
}

function valueInfo(value: Value, name = value.name): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = value.shape.map(size =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ONNX_TYPE[value.dtype], shape: { dim } } } },
  };
}

/** Serialises the scheduled graph. */
export function encode(g: Graph): Uint8Array {
  const nodes = schedule(g);
  const used = new Set([...nodes.flatMap(node => node.inputs), ...g.outputs.map(({ value }) => value)]);
  const initializers: MessageInitShape<typeof TensorProtoSchema>[] = [];
  for (const { value, data } of g.constants.values()) {
    if (!used.has(value)) continue;
    initializers.push({
      name: value.name,
      dims: value.shape.map(size => BigInt(size)),
      dataType: ONNX_TYPE[value.dtype],
      rawData: Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    });
  }
  for (const { value, slice } of g.weights.values()) {
    if (!used.has(value)) continue;
    initializers.push({
      name: value.name,
      dims: value.shape.map(size => BigInt(size)),
      dataType: ONNX_TYPE[value.dtype],
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [
        { key: 'location', value: slice.file },
        { key: 'offset', value: String(slice.offset) },
        { key: 'length', value: String(slice.length) },
      ],
    });
  }
  // Outputs are renamed by an Identity, which the engine removes; a value may then be an output under two names.
  const outputs = g.outputs.map(({ name, value }) => ({
    opType: 'Identity',
    name,
    input: [value.name],
    output: [name],
  }));
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'idiolect',
    opsetImport: [
      { domain: '', version: OPSET },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: {
      name: 'idiolect',
      node: [
        ...nodes.map(node => ({
          opType: node.op,
          domain: node.domain,
          name: node.scope ? `${node.scope}.${node.output.name}` : node.output.name,
          input: node.inputs.map(input => input?.name ?? ''),
          output: [node.output.name],
          attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value)),
        })),
        ...outputs,
      ],
      // An input nothing reads would still have to be fed; it is left out.
      input: g.inputs.filter(value => used.has(value)).map(value => valueInfo(value)),
      output: g.outputs.map(({ name, value }) => valueInfo(value, name)),
      initializer: initializers,
    },
  });
  return toBinary(ModelProtoSchema, model);
}
