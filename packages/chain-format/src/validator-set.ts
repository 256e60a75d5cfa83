import { encodeCanonical } from '@blyan/codec/canonical';
import { domainMessage, fromHex, toHex } from '@blyan/crypto/noble';
import type { Hash } from '@blyan/interface';
import { MAX_VALIDATORS } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { ChainFormatError } from './errors.ts';

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

/** What headers commit to. */
export function validatorSetHash(set: ValidatorSet, { sha256 }: CryptoSuite): Hash {
  const bytes = encodeCanonical(set.map(({ publicKey, weight }) => [fromHex(publicKey, 32), weight]));
  return toHex(sha256(domainMessage(SET_DOMAIN, bytes)));
}
