import type { FloatDType } from './checkpoint.ts';

export const FLOAT_BYTES: Readonly<Record<FloatDType, 2 | 4>> = { f32: 4, f16: 2, bf16: 2 };

/** IEEE 754 binary16 bits to the bits of the equal binary32. */
function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

let halfTable: Uint32Array | undefined;

/** 65,536 binary32 bit patterns by binary16 bits: a look-up is several times faster than the branches. */
export function halfToFloatTable(): Uint32Array {
  if (halfTable === undefined) {
    halfTable = new Uint32Array(65_536);
    for (let half = 0; half < 65_536; half++) halfTable[half] = halfToFloatBits(half);
  }
  return halfTable;
}

/** The elements of a byte range as their bit patterns; the range must start at a multiple of the element size. */
export function elementBits(bytes: Uint8Array, dtype: FloatDType): Uint16Array | Uint32Array {
  return FLOAT_BYTES[dtype] === 2
    ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)
    : new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Widens bit patterns of `dtype` to f32; exact. */
export function widenToFloat32(bits: Uint16Array | Uint32Array, dtype: FloatDType, out: Float32Array): Float32Array {
  const outBits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  if (dtype === 'f32') outBits.set(bits);
  else if (dtype === 'bf16') for (let i = 0; i < bits.length; i++) outBits[i] = (bits[i] as number) << 16;
  else {
    const table = halfToFloatTable();
    for (let i = 0; i < bits.length; i++) outBits[i] = table[bits[i] as number] as number;
  }
  return out;
}
