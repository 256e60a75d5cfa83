import { MAX_BLOCK_BYTES, MAX_NAME_CHARS, MAX_RANK, MAX_TENSORS } from './constants.ts';
import { TensorBlockError } from './errors.ts';
import { alignUp } from './geometry.ts';
import { TENSOR_DTYPES, type TensorInfo, type TensorSpec } from './types.ts';

const VALUE_BYTES: Readonly<Record<string, number>> = { f32: 4, f16: 2, bf16: 2, u8: 1 };

function refuse(name: string, why: string): never {
  throw new TensorBlockError('ERR_TENSORBLOCK_SPEC', `Tensor ${JSON.stringify(name)}: ${why}.`, {
    meta: { tensor: name },
  });
}

function elementCount(spec: TensorSpec): number {
  let count = 1;
  for (const extent of spec.shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) refuse(spec.name, 'extents are whole numbers, 0 or more');
    count *= extent;
    if (count > MAX_BLOCK_BYTES) refuse(spec.name, 'larger than a block can be');
  }
  return count;
}

/**
 * Bytes of the values and, for i8 and i4, of the scales.
 *
 * @throws ERR_TENSORBLOCK_SPEC for a name, dtype, shape or quantisation block the format does not have
 */
export function tensorByteLengths(spec: TensorSpec): { byteLength: number; scalesByteLength?: number } {
  const { name, dtype, shape, quantBlock } = spec;
  if (name.length < 1 || name.length > MAX_NAME_CHARS) refuse(name.slice(0, 40), '1 to 256 characters make a name');
  if (!TENSOR_DTYPES.includes(dtype)) refuse(name, 'unknown dtype');
  if (shape.length > MAX_RANK) refuse(name, `more than ${MAX_RANK} dimensions`);
  const count = elementCount(spec);
  const valueBytes = VALUE_BYTES[dtype];
  if (valueBytes !== undefined) {
    if (quantBlock !== undefined) refuse(name, `${dtype} has no quantisation block`);
    return { byteLength: count * valueBytes };
  }
  if (quantBlock === undefined || ![16, 32, 64, 128, 256].includes(quantBlock)) {
    refuse(name, 'quantised tensors have a block of 16, 32, 64, 128 or 256');
  }
  if (shape.length !== 2) refuse(name, 'quantised tensors are matrices [N, K]');
  const blocks = (shape[0] as number) * Math.ceil((shape[1] as number) / quantBlock);
  return { byteLength: (blocks * quantBlock) / (dtype === 'i4' ? 2 : 1), scalesByteLength: blocks * 4 };
}

/**
 * The only layout: tensors in the order given, the scales of each right after it, every region on the next multiple
 * of 64 KiB (an empty one takes no room).
 *
 * @param dataOffset - where the first region begins
 * @returns `end`, where the stored tree begins
 * @throws ERR_TENSORBLOCK_SPEC also for two tensors of one name and for more than a block can hold
 */
export function layoutTensors(
  specs: readonly TensorSpec[],
  dataOffset: number,
): { tensors: TensorInfo[]; end: number } {
  if (specs.length > MAX_TENSORS) {
    throw new TensorBlockError('ERR_TENSORBLOCK_SPEC', `A block has at most ${MAX_TENSORS} tensors.`);
  }
  const names = new Set<string>();
  let at = dataOffset;
  const tensors = specs.map((spec): TensorInfo => {
    if (names.has(spec.name)) refuse(spec.name, 'the name is taken');
    names.add(spec.name);
    const { byteLength, scalesByteLength } = tensorByteLengths(spec);
    const { name, dtype, shape, quantBlock } = spec;
    const offset = at;
    at = alignUp(at + byteLength);
    if (scalesByteLength === undefined) return { name, dtype, shape: [...shape], offset, byteLength };
    const scalesOffset = at;
    at = alignUp(at + scalesByteLength);
    return { name, dtype, shape: [...shape], quantBlock, offset, byteLength, scalesOffset, scalesByteLength };
  });
  if (at > MAX_BLOCK_BYTES - MAX_BLOCK_BYTES / 1024) {
    throw new TensorBlockError('ERR_TENSORBLOCK_SPEC', 'These tensors do not fit in one block of 256 GiB.');
  }
  return { tensors, end: at };
}

/** Names of what lies in bytes [start, end): `header`, `manifest`, tensors, and `padding` when nothing else fills them. */
export function namesInRange(
  tensors: readonly TensorInfo[],
  headerBytes: number,
  manifestEnd: number,
  start: number,
  end: number,
): string[] {
  const names: string[] = [];
  let filled = 0;
  const look = (name: string, from: number, to: number) => {
    const overlap = Math.min(to, end) - Math.max(from, start);
    if (overlap <= 0) return;
    names.push(name);
    filled += overlap;
  };
  look('header', 0, headerBytes);
  look('manifest', headerBytes, manifestEnd);
  for (const { name, offset, byteLength, scalesOffset = 0, scalesByteLength = 0 } of tensors) {
    look(name, offset, offset + byteLength);
    look(`${name} (scales)`, scalesOffset, scalesOffset + scalesByteLength);
  }
  if (filled < end - start) names.push('padding');
  return names;
}
