import type { CryptoSuite, Validator, ValidatorSet } from '@blyan/chain-format';
import { encodeCanonical } from '@blyan/codec/canonical';
import { domainMessage, fromHex, toHex } from '@blyan/crypto/noble';
import type { Hash } from '@blyan/interface';

const LEADER_DOMAIN = 'blyan/leader/1';

/**
 * Index of the validator that leads a view: drawn by weight with SHA-256 of seed, epoch and view. 128 bits of it are taken
 * modulo the total weight, so that no validator gains 2^-75 by rounding. Everybody who knows the seed knows all leaders.
 *
 * @param set - at least one validator; weights sum to at most 2^53 - 1
 */
export function leaderOf(set: ValidatorSet, seed: Hash, epoch: number, view: number, { sha256 }: CryptoSuite): number {
  const digest = sha256(domainMessage(LEADER_DOMAIN, encodeCanonical([fromHex(seed, 32), epoch, view])));
  const total = set.reduce((sum, { weight }) => sum + weight, 0);
  let draw = Number(BigInt(`0x${toHex(digest.subarray(0, 16))}`) % BigInt(total));
  for (let index = 0; index < set.length - 1; index++) {
    draw -= (set[index] as Validator).weight;
    if (draw < 0) return index;
  }
  return set.length - 1;
}
