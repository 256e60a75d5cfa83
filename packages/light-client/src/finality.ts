import {
  type BlockHeader,
  type CryptoSuite,
  decodeCertificate,
  decodeHeader,
  decodeValidatorSet,
  encodeCertificate,
  encodeHeader,
  encodeValidatorSet,
  headerHash,
  MAX_CERTIFICATE_BYTES,
  MAX_HEADER_BYTES,
  MAX_VALIDATOR_SET_BYTES,
  type QuorumCertificate,
  readArray,
  readBytes,
  type ValidatorSet,
} from '@blyan/chain-format';
import { type CanonicalValue, encodeCanonical } from '@blyan/codec/canonical';
import type { Hash } from '@blyan/interface';
import { LightClientError } from './errors.ts';

/** Heads of CBOR around the parts. */
const ENVELOPE_BYTES = 64;
/** Most headers of a proof: more blocks do not become final by one certificate in practice. */
export const MAX_PROOF_HEADERS = 1_024;
export const MAX_EPOCH_END_BYTES = ENVELOPE_BYTES + MAX_HEADER_BYTES + MAX_CERTIFICATE_BYTES + MAX_VALIDATOR_SET_BYTES;
export const MAX_FINALITY_BYTES =
  ENVELOPE_BYTES + MAX_CERTIFICATE_BYTES + MAX_PROOF_HEADERS * (MAX_HEADER_BYTES + ENVELOPE_BYTES);

/** The last block of an epoch, with what is needed to check blocks of the next one. */
export interface EpochEnd {
  readonly header: BlockHeader;
  /** Of `finalise` votes for this very block. */
  readonly certificate: QuorumCertificate;
  /** Those of the next epoch; null where they are those of this one. */
  readonly nextValidators: ValidatorSet | null;
}

/** That a block is final: it has the certificate itself, or is an ancestor of one that has. */
export interface FinalityProof {
  /** From the block on, each the parent of the next, to the one with the certificate; 1 to 1,024. */
  readonly headers: readonly BlockHeader[];
  /** Of `finalise` votes for the last of the headers. */
  readonly certificate: QuorumCertificate;
}

/** Hashes of headers that are each the parent of the next. @throws ERR_LIGHT_CHAIN */
export function linkedHashes(headers: readonly BlockHeader[], suite: CryptoSuite): Hash[] {
  if (headers.length === 0 || headers.length > MAX_PROOF_HEADERS) {
    throw new LightClientError('ERR_LIGHT_CHAIN', `A proof has 1 to ${MAX_PROOF_HEADERS} headers.`);
  }
  const hashes: Hash[] = [];
  for (const [i, header] of headers.entries()) {
    const before = headers[i - 1];
    if (before !== undefined && (header.parent !== hashes[i - 1] || header.height !== before.height + 1)) {
      throw new LightClientError('ERR_LIGHT_CHAIN', `Header ${i} of the proof is not the parent's child.`);
    }
    hashes.push(headerHash(header, suite));
  }
  return hashes;
}

/** Canonical CBOR of `[header, certificate, next validators]`, each as its bytes, the last null where they stay. */
export function encodeEpochEnd({ header, certificate, nextValidators }: EpochEnd): Uint8Array {
  const next = nextValidators && encodeValidatorSet(nextValidators);
  return encodeCanonical([encodeHeader(header), encodeCertificate(certificate), next]);
}

/** @throws ERR_LIGHT_BYTES */
export function decodeEpochEnd(bytes: Uint8Array): EpochEnd {
  return decoding('end of an epoch', () => {
    const [header, certificate, next] = readArray(bytes, 3, MAX_EPOCH_END_BYTES);
    return {
      header: decodeHeader(readBytes(header, 'header')),
      certificate: decodeCertificate(readBytes(certificate, 'certificate')),
      nextValidators: next === null ? null : decodeValidatorSet(readBytes(next, 'next validators')),
    };
  });
}

/** Canonical CBOR of `[[header, …], certificate]`, each as its bytes. */
export function encodeFinalityProof({ headers, certificate }: FinalityProof): Uint8Array {
  return encodeCanonical([headers.map(encodeHeader), encodeCertificate(certificate)]);
}

/** @throws ERR_LIGHT_BYTES */
export function decodeFinalityProof(bytes: Uint8Array): FinalityProof {
  return decoding('proof that a block is final', () => {
    const [headers, certificate] = readArray(bytes, 2, MAX_FINALITY_BYTES);
    if (!Array.isArray(headers) || headers.length === 0 || headers.length > MAX_PROOF_HEADERS) {
      throw new RangeError('no headers, or too many');
    }
    return {
      headers: headers.map((header: CanonicalValue) => decodeHeader(readBytes(header, 'header'))),
      certificate: decodeCertificate(readBytes(certificate, 'certificate')),
    };
  });
}

function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new LightClientError('ERR_LIGHT_BYTES', `These bytes are no ${what}.`, { cause });
  }
}
