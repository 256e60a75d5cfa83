import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Checkpoint,
  elementBits,
  FLOAT_BYTES,
  type JsonObject,
  type ModelSpec,
  parseModelSpec,
  widenToFloat32,
} from '@blyan/model';

/** A model for the reference forward pass: Hugging Face tensor names to f32 values in Hugging Face order. */
export interface ReferenceModel {
  readonly spec: ModelSpec;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** The weight, or an error that says which one the reference expected. */
export function weight(model: ReferenceModel, name: string): Float32Array {
  const values = model.weights.get(name);
  if (values === undefined) throw new Error(`the reference needs tensor ${name}`);
  return values;
}

/** Reads a whole checkpoint folder into memory, for small models. */
export async function loadReferenceCheckpoint(dir: string): Promise<ReferenceModel> {
  const json = async (file: string, fallback?: string): Promise<JsonObject> =>
    JSON.parse(
      await readFile(join(dir, file), 'utf8').catch((error) => {
        if (fallback === undefined) throw error;
        return fallback;
      }),
    );
  const spec = parseModelSpec(await json('config.json'), await json('generation_config.json', '{}'));
  await using checkpoint = await Checkpoint.open(dir);
  const weights = new Map<string, Float32Array>();
  for (const name of checkpoint.names()) {
    const tensor = checkpoint.tensor(name, checkpoint.shapeOf(name) ?? []);
    const bytes = await checkpoint.read(tensor, 0, new Uint8Array(tensor.byteLength));
    const values = new Float32Array(tensor.byteLength / FLOAT_BYTES[tensor.dtype]);
    weights.set(name, widenToFloat32(elementBits(bytes, tensor.dtype), tensor.dtype, values));
  }
  return { spec, weights };
}
