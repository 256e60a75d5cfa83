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

/** How many bits of a 32-bit word are set. */
export function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x5555_5555);
  v = (v & 0x3333_3333) + ((v >>> 2) & 0x3333_3333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** The `length` bits from bit `first` on, as words of 32: bit i of the piece is bit `i & 31` of word `i >> 5`. */
export function cut(bitmap: Uint8Array, first: number, length: number): Int32Array {
  const words = new Int32Array((length + 31) >> 5);
  const shift = first & 7;
  for (let word = 0, at = first >> 3; word < words.length; word++, at += 4) {
    const low =
      byte(bitmap, at) | (byte(bitmap, at + 1) << 8) | (byte(bitmap, at + 2) << 16) | (byte(bitmap, at + 3) << 24);
    words[word] = shift === 0 ? low : (low >>> shift) | (byte(bitmap, at + 4) << (32 - shift));
  }
  const rest = length & 31;
  if (rest > 0) words[words.length - 1] = (words[words.length - 1] ?? 0) & ((1 << rest) - 1);
  return words;
}

const byte = (bitmap: Uint8Array, at: number): number => bitmap[at] ?? 0;

/** The sum of the weights of the set bits. @param first index of bit 0 among the weights */
export function weightOf(words: ArrayLike<number>, weights: readonly number[], first = 0): number {
  let sum = 0;
  for (let word = 0; word < words.length; word++) {
    for (let bits = words[word] ?? 0; bits !== 0; bits &= bits - 1) {
      sum += weights[first + word * 32 + 31 - Math.clz32(bits & -bits)] ?? 0;
    }
  }
  return sum;
}
