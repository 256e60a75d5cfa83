/** Whether bit `index` is set; bits beyond the end of the bitmap are not. */
export function hasBit(bitmap: Uint8Array, index: number): boolean {
  return ((bitmap[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

/** A bitmap of `bitCount` bits (`ceil(bitCount / 8)` bytes) with the bits of `indices` set; others are ignored. */
export function bitmapOf(indices: Iterable<number>, bitCount: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(bitCount / 8));
  for (const index of indices) {
    if (index >= 0 && index < bitCount) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return bitmap;
}

/** The set bits below `bitCount`, ascending; what a peer set beyond is ignored. */
export function indicesOf(bitmap: Uint8Array, bitCount: number): number[] {
  const indices: number[] = [];
  const end = Math.min(bitCount, bitmap.length * 8);
  for (let index = 0; index < end; index++) if (hasBit(bitmap, index)) indices.push(index);
  return indices;
}
