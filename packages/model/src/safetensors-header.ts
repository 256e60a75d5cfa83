import { ModelError } from './errors.ts';

/** Bits per element of every dtype a safetensors file may name; weights may only use BF16, F16 and F32. */
const DTYPE_BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  U64: 64,
  I64: 64,
  F64: 64,
  C64: 64,
};

/** Largest accepted header, the limit of the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;
const MAX_TENSORS = 1_000_000;
const MAX_RANK = 8;

export interface HeaderTensor {
  readonly name: string;
  /** As the file spells it: `BF16`, `F32`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

function elementCount(shape: unknown): number | null {
  if (!Array.isArray(shape) || shape.length > MAX_RANK) return null;
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return null;
    count *= size;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}

/**
 * Decodes the JSON header of a safetensors file (https://github.com/huggingface/safetensors, "Format"). The tensors
 * returned cover the data exactly, without gaps or overlaps, and each is as long as its dtype and shape say.
 *
 * @param json the header, without its 8-byte length
 * @param dataBytes how many bytes the file has after the header
 * @param file for messages only
 * @throws ModelError ERR_MODEL_SAFETENSORS; `meta` names the file and, where one is to blame, the tensor
 */
export function parseSafetensorsHeader(json: Uint8Array, dataBytes: number, file: string): HeaderTensor[] {
  const fail = (message: string, tensor?: string): never => {
    throw new ModelError('ERR_MODEL_SAFETENSORS', `${file}: ${message}. Download the file again.`, {
      meta: { file, tensor },
    });
  };
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    fail('the safetensors header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) fail('the header is not an object');
  const entries = Object.entries(header as Record<string, unknown>).filter(([name]) => name !== '__metadata__');
  if (entries.length > MAX_TENSORS) fail(`the header lists more than ${MAX_TENSORS} tensors`);
  const tensors = entries.map(([name, value]): HeaderTensor => {
    const shown = JSON.stringify(name.slice(0, 200));
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    const bits = typeof dtype === 'string' && Object.hasOwn(DTYPE_BITS, dtype) ? DTYPE_BITS[dtype] : undefined;
    if (bits === undefined) fail(`tensor ${shown} has an unknown dtype`, name);
    const count = elementCount(shape);
    if (count === null) fail(`tensor ${shown} has no valid shape`, name);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((o) => Number.isSafeInteger(o) && o >= 0)) {
      fail(`tensor ${shown} has no valid data_offsets`, name);
    }
    const [begin, end] = offsets as [number, number];
    if (end - begin !== ((count as number) * (bits as number)) / 8) {
      fail(`tensor ${shown} is not as long as its shape says`, name);
    }
    return { name, dtype: dtype as string, shape: shape as number[], begin, end };
  });
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of tensors) {
    const shown = JSON.stringify(name.slice(0, 200));
    if (begin < position) fail(`tensor ${shown} overlaps the one before it`, name);
    if (begin > position) fail(`there are ${begin - position} unused bytes before tensor ${shown}`, name);
    if (end > dataBytes) {
      fail(`the file is truncated: tensor ${shown} ends ${end - dataBytes} bytes after the end of the file`, name);
    }
    position = end;
  }
  if (position !== dataBytes) fail(`there are ${dataBytes - position} bytes after the last tensor`);
  return tensors;
}
