import type { Root } from '@blyan/interface';
import { type BlockStore, derivedHeader, type StoredBlock } from '@blyan/store';
import { readTensor, TensorBlockWriter, type TensorInfo, type TensorSpec } from '@blyan/tensorblock';
import { elementBits, type FLOAT_BYTES, widenToFloat32 } from './float-convert.ts';
import { EMITTER_VERSION } from './onnx/index.ts';
import { paddedShape } from './padded-shape.ts';

const PROFILE = `expanded/${EMITTER_VERSION}`;
/** Values converted at a time. */
const PIECE = 2 << 20;

type Half = Exclude<keyof typeof FLOAT_BYTES, 'f32'>;

/** Whether a block has half-precision tensors, which the engine cannot map as they are. */
export function needsExpansion(block: StoredBlock): boolean {
  const { header, tensors } = block.manifest;
  return header.kind !== 'embedding' && tensors.some(({ dtype }) => dtype === 'f16' || dtype === 'bf16');
}

/**
 * The f32 form of a block of half-precision tensors, as a derived file beside it: made once, verified like a block,
 * made again when it is missing or damaged. Its tensors are those an f32 import would have.
 */
export async function expandBlock(store: BlockStore, root: Root, signal?: AbortSignal): Promise<StoredBlock> {
  const held = await store.derived(root, PROFILE);
  if (held) return held;
  const { path, manifest } = await store.acquire(root, { signal });
  const targets = manifest.tensors.map(target);
  const temporary = store.tempPath();
  const header = derivedHeader({ source: root, profile: PROFILE });
  const writer = await TensorBlockWriter.create(temporary, header, targets, signal);
  try {
    for (const [index, tensor] of manifest.tensors.entries()) {
      await expandTensor(writer, path, tensor, targets[index] as TensorSpec, signal);
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return store.admitDerived(root, PROFILE, temporary);
}

function target({ name, shape }: TensorInfo): TensorSpec {
  const [outputs = 0, inputs] = shape;
  if (inputs === undefined || name === 'router') return { name, dtype: 'f32', shape };
  return { name, dtype: 'f32', shape: paddedShape(name, outputs, inputs) };
}

async function expandTensor(
  writer: TensorBlockWriter,
  path: string,
  source: TensorInfo,
  spec: TensorSpec,
  signal?: AbortSignal,
): Promise<void> {
  const inputs = source.shape.at(-1) as number;
  const width = spec.shape.at(-1) as number;
  const rows = source.shape.length === 1 ? 1 : (source.shape[0] as number);
  const rowBytes = source.byteLength / rows;
  const step = Math.max(1, Math.floor(PIECE / width));
  for (let row = 0; row < rows; row += step) {
    signal?.throwIfAborted();
    const count = Math.min(step, rows - row);
    const part = { ...source, offset: source.offset + row * rowBytes, byteLength: count * rowBytes };
    const bits = elementBits(await readTensor(path, part), source.dtype as Half);
    const wide = new Float32Array(count * width);
    for (let r = 0; r < count; r++) {
      widenToFloat32(
        bits.subarray(r * inputs, (r + 1) * inputs),
        source.dtype as Half,
        wide.subarray(r * width, r * width + inputs),
      );
    }
    await writer.write(spec.name, new Uint8Array(wide.buffer));
  }
  const missing = spec.shape.length === 1 ? 0 : (spec.shape[0] as number) - rows;
  if (missing > 0) await writer.write(spec.name, new Uint8Array(missing * width * 4));
}
