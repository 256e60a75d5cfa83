import { type AttributeProto, encodeModel, type ModelProto, type TensorProto, type ValueInfoProto } from './proto.ts';

/** ONNX element types used here (TensorProto.DataType). */
export const ElemType = { f32: 1, u8: 2, i32: 6, i64: 7 } as const;
export type ElemType = (typeof ElemType)[keyof typeof ElemType];

/** Where an initializer's bytes lie inside a file: nothing is copied into the graph. */
export interface ExternalTensor {
  readonly location: string;
  readonly offset: number;
  readonly byteLength: number;
}

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

/** Builds one small ONNX graph; weights are external data, so the bytes stay in the TensorBlock's file. */
export class GraphBuilder {
  readonly #model: ModelProto;
  #counter = 0;

  constructor(name: string) {
    this.#model = {
      irVersion: 10,
      producerName: 'blyan',
      graph: { name, node: [], initializer: [], input: [], output: [] },
      opsetImport: [
        { domain: '', version: 21 },
        { domain: 'com.microsoft', version: 1 },
      ],
    };
  }

  input(name: string, type: ElemType, shape: readonly (number | string)[]): string {
    this.#model.graph.input.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: ElemType, shape: readonly (number | string)[]): void {
    this.#model.graph.output.push(valueInfo(name, type, shape));
  }

  external(name: string, type: ElemType, dims: readonly number[], data: ExternalTensor): string {
    this.#model.graph.initializer.push({
      name,
      dataType: type,
      dims: [...dims],
      dataLocation: 1,
      externalData: [
        { key: 'location', value: data.location },
        { key: 'offset', value: String(data.offset) },
        { key: 'length', value: String(data.byteLength) },
      ],
    });
    return name;
  }

  /** A small constant kept inside the graph. */
  constant(name: string, type: ElemType, dims: readonly number[], data: Uint8Array): string {
    const tensor: TensorProto = { name, dataType: type, dims: [...dims], rawData: data };
    this.#model.graph.initializer.push(tensor);
    return name;
  }

  /** Adds a node with one output and returns the output's name. */
  node(
    opType: string,
    input: readonly string[],
    options: { output?: string; domain?: string; attributes?: Record<string, AttributeValue> } = {},
  ): string {
    const [output] = this.nodes(opType, input, [options.output ?? `t${this.#counter++}`], options);
    return output as string;
  }

  nodes(
    opType: string,
    input: readonly string[],
    outputs: readonly string[],
    options: { domain?: string; attributes?: Record<string, AttributeValue> } = {},
  ): readonly string[] {
    this.#model.graph.node.push({
      opType,
      input: [...input],
      output: [...outputs],
      name: `n${this.#model.graph.node.length}`,
      domain: options.domain ?? '',
      attribute: Object.entries(options.attributes ?? {}).map(([name, value]) => attribute(name, value)),
    });
    return outputs;
  }

  bytes(): Uint8Array {
    return encodeModel(this.#model);
  }
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  return { name, type: 7, ints: [...value] };
}

function valueInfo(name: string, elemType: ElemType, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
