import {
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
  readArray,
  readBytes,
  readCount,
  readHash,
} from '@blyan/chain-format';
import { decodeCanonical, encodeCanonical } from '@blyan/codec';
import { fromHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';

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
  const [outline, certificate] = readArray(bytes, 2, MAX_OUTLINE_BYTES + MAX_CERTIFICATE_BYTES + ENVELOPE_BYTES);
  const block = decodeOutline(readBytes(outline, 'outline'), suite);
  const own = certificate === null ? null : decodeCertificate(readBytes(certificate, 'certificate'));
  if (own !== null && own.block !== block.hash) throw new RangeError('the certificate is of another block');
  return { block, certificate: own };
}

/** Canonical CBOR of `[header, certificate]`, both as bytes. */
export function encodeEpochEnd({ header, certificate }: EpochEnd): Uint8Array {
  return encodeCanonical([encodeHeader(header), encodeCertificate(certificate)]);
}

export function decodeEpochEnd(bytes: Uint8Array): EpochEnd {
  const [header, certificate] = readArray(bytes, 2, MAX_HEADER_BYTES + MAX_CERTIFICATE_BYTES + ENVELOPE_BYTES);
  return {
    header: decodeHeader(readBytes(header, 'header')),
    certificate: decodeCertificate(readBytes(certificate, 'certificate')),
  };
}

/** Canonical CBOR of `[height, hash]`. */
export function encodeHead({ height, hash }: StoredHead): Uint8Array {
  return encodeCanonical([height, fromHex(hash, 32)]);
}

export function decodeHead(bytes: Uint8Array): StoredHead {
  const [height, hash] = readArray(bytes, 2, ENVELOPE_BYTES);
  return { height: readCount(height, 'height'), hash: readHash(hash, 'hash') };
}

/** Canonical CBOR of `[height, index]`. */
export function encodePlace({ height, index }: RecordPlace): Uint8Array {
  return encodeCanonical([height, index]);
}

export function decodePlace(bytes: Uint8Array): RecordPlace {
  const [height, index] = readArray(bytes, 2, ENVELOPE_BYTES);
  return { height: readCount(height, 'height'), index: readCount(index, 'index') };
}

/** Canonical CBOR of the number. */
export function encodeHeight(height: number): Uint8Array {
  return encodeCanonical(height);
}

export function decodeHeight(bytes: Uint8Array): number {
  return readCount(decodeCanonical(bytes, { maxBytes: 9 }), 'height');
}
