import type { CanonicalValue } from '@blyan/codec/canonical';
import { toHex } from '@blyan/crypto/noble';

/** For reading and for JSON: bytes in hexadecimal, bigints as text. */
export function readable(value: CanonicalValue): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readable(item)]));
}
