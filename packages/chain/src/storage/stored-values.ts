import {
  assertValidatorSet,
  type BlockHeader,
  type BlockOutline,
  type CryptoSuite,
  decodeCertificate,
  decodeHeader,
  decodeOutline,
  encodeCertificate,
  encodeHeader,
  encodeOutline,
  MAX_CERTIFICATE_BYTES,
  MAX_HEADER_BYTES,
  MAX_OUTLINE_BYTES,
  type QuorumCertificate,
  type ValidatorSet,
} from '@blyan/chain-format';
import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec';
import { fromHex, toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import { MAX_VALIDATORS } from '@blyan/params';

// The values behind the keys of keys.ts. Decoders throw whatever they meet; whoever reads a key says which one it was.

/** Heads of CBOR around the parts of a value. */
const ENVELOPE_BYTES = 64;

/** A final block as it is kept. */
export interface StoredBlock {
  readonly block: BlockOutline;
  /** Of this very block; null for the genesis block and for one that became final with a descendant. */
  readonly certificate: QuorumCertificate | null;
}

/** The last block of an epoch as light clients check it. */
export interface EpochEnd {
  readonly header: BlockHeader;
  readonly certificate: QuorumCertificate;
}

/** The newest final block. */
export interface StoredHead {
  readonly height: number;
  readonly hash: Hash;
}

/** Where a record stands on the chain. */
export interface RecordPlace {
  readonly height: number;
  /** Place in the block, from 0. */
  readonly index: number;
}

/** Canonical CBOR of `[outline, certificate]`, both as bytes, the latter perhaps null. */
export function encodeStoredBlock({ block, certificate }: StoredBlock): Uint8Array {
  return encodeCanonical([encodeOutline(block), certificate && encodeCertificate(certificate)]);
}

export function decodeStoredBlock(bytes: Uint8Array, suite: CryptoSuite): StoredBlock {
  const [outline, certificate] = items(bytes, 2, MAX_OUTLINE_BYTES + MAX_CERTIFICATE_BYTES + ENVELOPE_BYTES);
  const block = decodeOutline(asBytes(outline), suite);
  const own = certificate === null ? null : decodeCertificate(asBytes(certificate));
  if (own !== null && own.block !== block.hash) throw new RangeError('the certificate is of another block');
  return { block, certificate: own };
}

/** Canonical CBOR of `[header, certificate]`, both as bytes. */
export function encodeEpochEnd({ header, certificate }: EpochEnd): Uint8Array {
  return encodeCanonical([encodeHeader(header), encodeCertificate(certificate)]);
}

export function decodeEpochEnd(bytes: Uint8Array): EpochEnd {
  const [header, certificate] = items(bytes, 2, MAX_HEADER_BYTES + MAX_CERTIFICATE_BYTES + ENVELOPE_BYTES);
  return { header: decodeHeader(asBytes(header)), certificate: decodeCertificate(asBytes(certificate)) };
}

/** Canonical CBOR of `[height, hash]`. */
export function encodeHead({ height, hash }: StoredHead): Uint8Array {
  return encodeCanonical([height, fromHex(hash, 32)]);
}

export function decodeHead(bytes: Uint8Array): StoredHead {
  const [height, hash] = items(bytes, 2, ENVELOPE_BYTES);
  if (asBytes(hash).length !== 32) throw new RangeError('not a hash');
  return { height: asCount(height), hash: toHex(asBytes(hash)) };
}

/** Canonical CBOR of `[height, index]`. */
export function encodePlace({ height, index }: RecordPlace): Uint8Array {
  return encodeCanonical([height, index]);
}

export function decodePlace(bytes: Uint8Array): RecordPlace {
  const [height, index] = items(bytes, 2, ENVELOPE_BYTES);
  return { height: asCount(height), index: asCount(index) };
}

/** Canonical CBOR of the number. */
export function encodeHeight(height: number): Uint8Array {
  return encodeCanonical(height);
}

export function decodeHeight(bytes: Uint8Array): number {
  return asCount(decodeCanonical(bytes, { maxBytes: 9 }));
}

/** Canonical CBOR of `[[public key, weight], …]`: what its hash is over. */
export function encodeValidatorSet(set: ValidatorSet): Uint8Array {
  return encodeCanonical(set.map(({ publicKey, weight }) => [fromHex(publicKey, 32), weight]));
}

export function decodeValidatorSet(bytes: Uint8Array): ValidatorSet {
  const entries = decodeCanonical(bytes, { maxBytes: MAX_VALIDATORS * ENVELOPE_BYTES });
  if (!Array.isArray(entries)) throw new RangeError('not an array');
  const set = entries.map((entry: CanonicalValue) => {
    if (!Array.isArray(entry) || entry.length !== 2) throw new RangeError('not a key and a weight');
    return { publicKey: toHex(asBytes(entry[0])), weight: asCount(entry[1]) };
  });
  assertValidatorSet(set);
  return set;
}

function items(bytes: Uint8Array, length: number, maxBytes: number): readonly unknown[] {
  const value = decodeCanonical(bytes, { maxBytes });
  if (!Array.isArray(value) || value.length !== length) throw new RangeError(`not ${length} parts`);
  return value;
}

function asBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new RangeError('not bytes');
  return value;
}

function asCount(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new RangeError('not a whole number');
  return value as number;
}
