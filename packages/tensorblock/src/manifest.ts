import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec';
import { HEADER_BYTES, MAX_MANIFEST_BYTES, MAX_NAME_CHARS } from './constants.ts';
import { TensorBlockError } from './errors.ts';
import { alignUp } from './geometry.ts';
import { layoutTensors } from './layout.ts';
import {
  BLOCK_KINDS,
  type BlockHeader,
  type BlockKind,
  type BlockMeta,
  type TensorDType,
  type TensorInfo,
  type TensorSpec,
} from './types.ts';

type CanonicalMap = { readonly [key: string]: CanonicalValue };
const INTEGERS = ['layer', 'expert', 'slice', 'sliceCount'] as const;
const HEADER_KEYS = new Set(['kind', 'model', 'meta', 'tensors', ...INTEGERS]);
const TENSOR_KEYS = new Set([
  'name',
  'dtype',
  'shape',
  'quantBlock',
  'offset',
  'length',
  'scalesOffset',
  'scalesLength',
]);

function isMap(value: CanonicalValue | undefined): value is CanonicalMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isU32(value: CanonicalValue | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value < 2 ** 32;
}

/** Null when the header can be written, otherwise what is wrong with it. */
function headerFault(header: CanonicalMap): string | null {
  if (!BLOCK_KINDS.includes(header.kind as BlockKind)) return 'unknown kind';
  const { model, meta } = header;
  if (model !== undefined && (typeof model !== 'string' || model.length > MAX_NAME_CHARS)) return 'bad model name';
  for (const key of INTEGERS) {
    if (header[key] !== undefined && !isU32(header[key])) return `${key} is not an integer of 32 bits`;
  }
  return meta === undefined || isMap(meta) ? null : 'meta is not a map';
}

function defined(map: { [key: string]: CanonicalValue | undefined }): CanonicalMap {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as CanonicalMap;
}

/**
 * Canonical CBOR of a header and its tensors; offsets count from the first region, so that the manifest's own length
 * does not change them.
 *
 * @throws ERR_TENSORBLOCK_SPEC for a header or tensors the format cannot hold, or more than 16 MiB of manifest
 */
export function encodeManifest(header: BlockHeader, specs: readonly TensorSpec[]): Uint8Array {
  const { kind, model, layer, expert, slice, sliceCount, meta } = header;
  const map = defined({ kind, model, layer, expert, slice, sliceCount, meta });
  const fault = headerFault(map);
  if (fault !== null)
    throw new TensorBlockError('ERR_TENSORBLOCK_SPEC', `The block header cannot be written: ${fault}.`);
  const tensors = layoutTensors(specs, 0).tensors.map((t) =>
    defined({
      name: t.name,
      dtype: t.dtype,
      shape: t.shape,
      quantBlock: t.quantBlock,
      offset: t.offset,
      length: t.byteLength,
      scalesOffset: t.scalesOffset,
      scalesLength: t.scalesByteLength,
    }),
  );
  const bytes = encodeCanonical({ ...map, tensors });
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new TensorBlockError('ERR_TENSORBLOCK_SPEC', `The manifest has ${bytes.length} bytes, more than 16 MiB.`);
  }
  return bytes;
}

function refuse(why: string, cause?: unknown): never {
  throw new TensorBlockError('ERR_TENSORBLOCK_MANIFEST', `The block's manifest is not valid: ${why}.`, { cause });
}

function tensorSpecOf(value: CanonicalValue): TensorSpec {
  if (!isMap(value) || Object.keys(value).some((key) => !TENSOR_KEYS.has(key))) refuse('a tensor with unknown fields');
  const { name, dtype, shape, quantBlock } = value;
  const fine = typeof name === 'string' && typeof dtype === 'string' && Array.isArray(shape);
  if (!fine || !shape.every((extent) => typeof extent === 'number')) refuse('a tensor without name, dtype or shape');
  if (quantBlock !== undefined && typeof quantBlock !== 'number') refuse('a quantBlock that is no number');
  return { name, dtype: dtype as TensorDType, shape: shape as number[], quantBlock };
}

/**
 * Header and tensors of a manifest, with absolute offsets. The offsets written must be those of the one layout, which
 * therefore has neither gaps nor overlaps, and must end where the tree begins.
 *
 * @throws ERR_TENSORBLOCK_MANIFEST
 */
export function decodeManifest(bytes: Uint8Array, treeOffset: number): { header: BlockHeader; tensors: TensorInfo[] } {
  let map: CanonicalValue;
  try {
    map = decodeCanonical(bytes, { maxBytes: MAX_MANIFEST_BYTES });
  } catch (cause) {
    refuse('not canonical CBOR', cause);
  }
  if (!isMap(map) || Object.keys(map).some((key) => !HEADER_KEYS.has(key))) refuse('unknown fields');
  const fault = headerFault(map);
  if (fault !== null) refuse(fault);
  if (!Array.isArray(map.tensors)) refuse('no list of tensors');
  const listed = map.tensors as readonly CanonicalValue[];
  const dataOffset = alignUp(HEADER_BYTES + bytes.length);
  let layout: ReturnType<typeof layoutTensors>;
  try {
    layout = layoutTensors(listed.map(tensorSpecOf), dataOffset);
  } catch (cause) {
    refuse(cause instanceof Error ? cause.message.replace(/\.$/, '') : 'bad tensors', cause);
  }
  if (layout.end !== treeOffset) refuse('its tensors do not fill the file');
  for (const [i, tensor] of layout.tensors.entries()) {
    const written = listed[i] as CanonicalMap;
    const scales = tensor.scalesOffset === undefined ? undefined : tensor.scalesOffset - dataOffset;
    const same =
      written.offset === tensor.offset - dataOffset &&
      written.length === tensor.byteLength &&
      written.scalesOffset === scales &&
      written.scalesLength === tensor.scalesByteLength;
    if (!same) refuse(`tensor ${i} is not where it must be`);
  }
  const { kind, model, layer, expert, slice, sliceCount, meta } = map;
  return {
    header: defined({ kind, model, layer, expert, slice, sliceCount, meta }) as unknown as BlockHeader & BlockMeta,
    tensors: layout.tensors,
  };
}
