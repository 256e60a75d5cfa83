import { ModelError } from './errors.ts';

/** Values per scale, along the input dimension. */
export const QUANT_BLOCK = 32;

export type QuantDType = 'i8' | 'i4';

/** Bytes of one row of `inputs` quantised values; the last block is padded. */
export function quantisedRowBytes(inputs: number, dtype: QuantDType): number {
  return Math.ceil(inputs / QUANT_BLOCK) * (dtype === 'i8' ? QUANT_BLOCK : QUANT_BLOCK / 2);
}

const INFINITY_BITS = 0x7f800000;

/** One row's values and the same memory as bit patterns: magnitudes compare as integers, NaN above infinity. */
interface Row {
  readonly values: Float32Array;
  readonly bits: Int32Array;
}

/** The first value of the largest magnitude. */
function extremeOf({ values, bits }: Row, start: number, end: number): number {
  let max = 0;
  let at = start;
  for (let i = start; i < end; i++) {
    const magnitude = (bits[i] as number) & 0x7fffffff;
    if (magnitude > max) {
      max = magnitude;
      at = i;
    }
  }
  if (max < INFINITY_BITS) return values[at] as number;
  throw new ModelError('ERR_MODEL_CHECKPOINT', 'A weight is infinite or not a number and cannot be quantised.');
}

/** 1 / scale in f64, 0 for a scale of 0; leaves the scale, rounded to f32, in `scales[at]`. */
function setScale(scale: number, scales: Float32Array, at: number): number {
  scales[at] = scale;
  const rounded = scales[at] as number;
  if (rounded !== 0) return 1 / rounded;
  scales[at] = 0; // Never -0: equal weights have equal bytes.
  return 0;
}

/**
 * i8: scale = f32(max|w| / 127), stored = floor(w / scale + 128.5), so that zero is 128 and halves round up. The
 * quotient is taken in f64 as w * (1 / scale). A block of zeros has scale 0.
 */
function quantiseBlock8(row: Row, start: number, end: number, inverse: number, out: Uint8Array, at: number): void {
  const { values } = row;
  const shift = at - start;
  for (let i = start; i < end; i++) {
    // The sum is positive, so cutting its fraction off is floor. Only a scale that is itself a rounded subnormal can
    // push the result out of 1..255.
    const stored = ((values[i] as number) * inverse + 128.5) | 0;
    out[shift + i] = stored > 255 ? 255 : stored < 1 ? 1 : stored;
  }
  if (end - start < QUANT_BLOCK) out.fill(128, at + end - start, at + QUANT_BLOCK);
}

/**
 * i4: scale = f32(m / -8) where m is the value of the largest magnitude, sign kept (the first one, if several), and
 * stored = min(15, floor(w / scale + 8.5)): all 16 levels are used and the largest value is met exactly, which beats
 * the symmetric ±7 grid at the cost of scales that may be negative.
 */
function quantiseBlock4(row: Row, start: number, end: number, inverse: number, out: Uint8Array, at: number): void {
  const { values } = row;
  for (let i = start, to = at; i < start + QUANT_BLOCK; i += 2, to++) {
    const low = i < end ? ((values[i] as number) * inverse + 8.5) | 0 : 8;
    const high = i + 1 < end ? ((values[i + 1] as number) * inverse + 8.5) | 0 : 8;
    out[to] = (low > 15 ? 15 : low < 0 ? 0 : low) | ((high > 15 ? 15 : high < 0 ? 0 : high) << 4);
  }
}

/**
 * Quantises one row in blocks of 32; deterministic on every machine.
 * @param out receives quantisedRowBytes(values.length, dtype) bytes from `outAt`
 * @param scales receives one f32 per block from `scalesAt`
 * @throws ModelError ERR_MODEL_CHECKPOINT for a value that is infinite or not a number
 */
export function quantiseRow(
  values: Float32Array,
  dtype: QuantDType,
  out: Uint8Array,
  outAt: number,
  scales: Float32Array,
  scalesAt: number,
): void {
  const row: Row = { values, bits: new Int32Array(values.buffer, values.byteOffset, values.length) };
  const eight = dtype === 'i8';
  const stride = eight ? QUANT_BLOCK : QUANT_BLOCK / 2;
  for (let start = 0, block = 0; start < values.length; start += QUANT_BLOCK, block++) {
    const end = Math.min(start + QUANT_BLOCK, values.length);
    const extreme = extremeOf(row, start, end);
    const inverse = setScale(eight ? Math.abs(extreme) / 127 : extreme / -8, scales, scalesAt + block);
    if (eight) quantiseBlock8(row, start, end, inverse, out, outAt + block * stride);
    else quantiseBlock4(row, start, end, inverse, out, outAt + block * stride);
  }
}

/** Undoes `quantiseRow` up to its rounding: (stored - zero point) * scale, in f32. */
export function dequantiseRow(
  stored: Uint8Array,
  storedAt: number,
  dtype: QuantDType,
  scales: Float32Array,
  scalesAt: number,
  out: Float32Array,
): void {
  for (let i = 0; i < out.length; i++) {
    const scale = scales[scalesAt + Math.floor(i / QUANT_BLOCK)] as number;
    const byte = stored[storedAt + (dtype === 'i8' ? i : i >> 1)] as number;
    const level = dtype === 'i8' ? byte - 128 : ((byte >> (4 * (i & 1))) & 15) - 8;
    out[i] = level * scale;
  }
}
