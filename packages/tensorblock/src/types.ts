import type { CanonicalValue } from '@blyan/codec';
import type { Root } from '@blyan/interface';

export const BLOCK_KINDS = ['model', 'embedding', 'trunk', 'expert', 'router', 'head', 'eeb', 'delta'] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

/** `u8` is bytes without a number format: a tokeniser file, a prepacked weight. */
export const TENSOR_DTYPES = ['f32', 'f16', 'bf16', 'i8', 'i4', 'u8'] as const;
export type TensorDType = (typeof TENSOR_DTYPES)[number];

export type BlockMeta = { readonly [key: string]: CanonicalValue };

/** What a block is, as far as a machine needs to know. Integers are 0 .. 2^32 - 1. */
export interface BlockHeader {
  readonly kind: BlockKind;
  readonly model?: string;
  readonly layer?: number;
  readonly expert?: number;
  /** Part of an expert cut along the FFN dimension: `slice` of `sliceCount`. */
  readonly slice?: number;
  readonly sliceCount?: number;
  readonly meta?: BlockMeta;
}

/**
 * One tensor. f32, f16, bf16 and u8 are row-major little-endian values of `shape`. i8 and i4 are matrices whose
 * `shape` is the logical [N, K] and whose bytes are ONNX `MatMulNBits`: with b = `quantBlock` columns to a block,
 * i8 is u8[N, ceil(K/b), b] holding q + 128; i4 is u8[N, ceil(K/b), b/2] holding q + 8, the even column in the low
 * half; columns past K hold the zero point. Scales are f32[N, ceil(K/b)] in a region of their own;
 * value = (stored - zero point) * scale.
 */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: TensorDType;
  readonly shape: readonly number[];
  /** i8 and i4 only: a power of two from 16 to 256. */
  readonly quantBlock?: number;
}

/** Where a tensor lies. Offsets are absolute in the file and multiples of 64 KiB. */
export interface TensorInfo extends TensorSpec {
  readonly offset: number;
  readonly byteLength: number;
  readonly scalesOffset?: number;
  readonly scalesByteLength?: number;
}

export interface BlockManifest {
  readonly header: BlockHeader;
  readonly tensors: readonly TensorInfo[];
  /** Of the whole file. */
  readonly byteLength: number;
  /** Number of subtiles. */
  readonly leafCount: number;
  /** The root the file carries; a fact only after `verifyBlockFile`. */
  readonly root: Root;
}
