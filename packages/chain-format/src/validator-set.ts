import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec/canonical';
import { domainMessage, fromHex, toHex } from '@blyan/crypto/noble';
import type { Hash } from '@blyan/interface';
import { MAX_VALIDATORS } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { ChainFormatError } from './errors.ts';
import { decoding, ENVELOPE_BYTES, HASH_BYTES, readCount, readHash } from './read.ts';

/** Of an encoded set of the most validators. */
export const MAX_VALIDATOR_SET_BYTES = ENVELOPE_BYTES + MAX_VALIDATORS * 48;
const SET_DOMAIN = 'blyan/validator-set/1';

export interface Validator {
  /** Ed25519 public key, 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
  /** 1 to 2^53 - 1. */
  readonly weight: number;
}

/** The validators of an epoch, by public key. A validator's index in it is how votes name it. */
export type ValidatorSet = readonly Validator[];

/** @throws ERR_VALIDATOR_SET for an empty or unsorted set, a key that occurs twice, or weights that do not add up safely */
export function assertValidatorSet(set: ValidatorSet): void {
  const fits = set.length > 0 && set.length <= MAX_VALIDATORS && Number.isSafeInteger(totalWeight(set));
  const sound = set.every(
    ({ publicKey, weight }, i) =>
      /^[0-9a-f]{64}$/.test(publicKey) &&
      Number.isSafeInteger(weight) &&
      weight > 0 &&
      (i === 0 || (set[i - 1] as Validator).publicKey < publicKey),
  );
  if (!fits || !sound) {
    throw new ChainFormatError(
      'ERR_VALIDATOR_SET',
      'This is no validator set: empty, unsorted, or with unfit entries.',
    );
  }
}

export function totalWeight(set: ValidatorSet): number {
  return set.reduce((sum, { weight }) => sum + weight, 0);
}

/** The least weight of a quorum: more than two thirds, so that two quorums share more than the third that may lie. */
export function quorumWeight(set: ValidatorSet): number {
  return Math.floor((2 * totalWeight(set)) / 3) + 1;
}

/** Canonical CBOR of `[[public key, weight], …]`: what its hash is over. */
export function encodeValidatorSet(set: ValidatorSet): Uint8Array {
  return encodeCanonical(set.map(({ publicKey, weight }) => [fromHex(publicKey, HASH_BYTES), weight]));
}

/** @throws ERR_VALIDATOR_SET */
export function decodeValidatorSet(bytes: Uint8Array): ValidatorSet {
  return decoding('ERR_VALIDATOR_SET', 'validator set', () => {
    const entries = decodeCanonical(bytes, { maxBytes: MAX_VALIDATOR_SET_BYTES });
    if (!Array.isArray(entries)) throw new RangeError('not an array');
    const set = entries.map((entry: CanonicalValue) => {
      if (!Array.isArray(entry) || entry.length !== 2) throw new RangeError('not a key and a weight');
      return { publicKey: readHash(entry[0], 'public key'), weight: readCount(entry[1], 'weight', 1) };
    });
    assertValidatorSet(set);
    return set;
  });
}

/** What headers commit to. */
export function validatorSetHash(set: ValidatorSet, { sha256 }: CryptoSuite): Hash {
  return toHex(sha256(domainMessage(SET_DOMAIN, encodeValidatorSet(set))));
}
