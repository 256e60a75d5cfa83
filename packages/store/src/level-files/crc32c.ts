// Castagnoli's polynomial, reflected; four tables so that four bytes take one step.
const TABLES: readonly Uint32Array[] = (() => {
  const tables = [0, 1, 2, 3].map(() => new Uint32Array(256));
  const [first] = tables as [Uint32Array];
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[byte] = crc;
  }
  for (let n = 1; n < 4; n++) {
    const [above, table] = [tables[n - 1], tables[n]] as [Uint32Array, Uint32Array];
    for (let byte = 0; byte < 256; byte++) {
      const crc = above[byte] as number;
      table[byte] = (crc >>> 8) ^ (first[crc & 0xff] as number);
    }
  }
  return tables;
})();

/** CRC-32C (RFC 3720 appendix B.4), unsigned; `crc` is that of the bytes before. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let value = ~crc;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    value ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    value =
      (t3[value & 0xff] as number) ^
      (t2[(value >>> 8) & 0xff] as number) ^
      (t1[(value >>> 16) & 0xff] as number) ^
      (t0[value >>> 24] as number);
  }
  for (; at < bytes.length; at++) value = (value >>> 8) ^ (t0[(value ^ (bytes[at] as number)) & 0xff] as number);
  return ~value >>> 0;
}

/** As LevelDB stores it: rotated and moved, so that a checksum over checksums is one. */
export function maskedCrc32c(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
