export { type DecodeCanonicalOptions, decodeCanonical } from './canonical-decode.ts';
export { encodeCanonical } from './canonical-encode.ts';
export type { CanonicalValue } from './canonical-value.ts';
