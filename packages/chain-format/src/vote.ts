import { type CanonicalValue, encodeCanonical } from '@blyan/codec/canonical';
import { domainMessage, fromHex } from '@blyan/crypto/noble';
import type { Hash, NetworkId } from '@blyan/interface';
import { MAX_VALIDATORS } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { ChainFormatError } from './errors.ts';
import { decoding, HASH_BYTES, readArray, readBytes, readCount, readHash, SIGNATURE_BYTES } from './read.ts';
import type { ValidatorSet } from './validator-set.ts';

/** `notarise` and `finalise` are for a block, `dummy` gives a view up. */
export type VoteKind = 'notarise' | 'dummy' | 'finalise';
export const VOTE_KINDS: readonly VoteKind[] = ['notarise', 'dummy', 'finalise'];
export const MAX_VOTE_BYTES = 256;
const VOTE_DOMAIN = 'blyan/vote/1';

/** What is voted on. */
export interface Ballot {
  readonly kind: VoteKind;
  readonly epoch: number;
  /** From 1. */
  readonly view: number;
  /** Null exactly for `dummy`. */
  readonly block: Hash | null;
}

export interface Vote extends Ballot {
  /** Index in the validator set of the epoch. */
  readonly validator: number;
  /** Ed25519 over {@link ballotMessage}, 64 bytes. */
  readonly signature: Uint8Array;
}

/** The fields of a ballot, in the order of the formats that have one. */
export function ballotFields({ kind, epoch, view, block }: Ballot): readonly CanonicalValue[] {
  return [VOTE_KINDS.indexOf(kind), epoch, view, block === null ? null : fromHex(block, HASH_BYTES)];
}

/** Reads what {@link ballotFields} wrote. */
export function readBallot([kind, epoch, view, block]: readonly CanonicalValue[]): Ballot {
  const name = VOTE_KINDS[readCount(kind, 'kind', 0, VOTE_KINDS.length - 1)] as VoteKind;
  if ((name === 'dummy') !== (block === null)) throw new RangeError('exactly a dummy vote is for no block');
  return {
    kind: name,
    epoch: readCount(epoch, 'epoch'),
    view: readCount(view, 'view', 1),
    block: name === 'dummy' ? null : readHash(block, 'block'),
  };
}

/** What a vote's signature is over. */
export function ballotMessage(network: NetworkId, ballot: Ballot): Uint8Array {
  return domainMessage(VOTE_DOMAIN, encodeCanonical([fromHex(network, HASH_BYTES), ...ballotFields(ballot)]));
}

/** Canonical CBOR of `[kind, epoch, view, block, validator, signature]`. */
export function encodeVote(vote: Vote): Uint8Array {
  return encodeCanonical([...ballotFields(vote), vote.validator, vote.signature]);
}

/** @throws ERR_VOTE_BYTES */
export function decodeVote(bytes: Uint8Array): Vote {
  return decoding('ERR_VOTE_BYTES', 'vote', () => {
    const items = readArray(bytes, 6, MAX_VOTE_BYTES);
    return {
      ...readBallot(items),
      validator: readCount(items[4], 'validator', 0, MAX_VALIDATORS - 1),
      signature: readBytes(items[5], 'signature', SIGNATURE_BYTES),
    };
  });
}

/**
 * @param set - of the vote's epoch
 * @throws ERR_VOTE_SIGNATURE unless the validator of this index signed the ballot for this network
 */
export function verifyVote(vote: Vote, set: ValidatorSet, network: NetworkId, suite: CryptoSuite): void {
  const signer = set[vote.validator];
  if (
    signer === undefined ||
    !suite.verify(ballotMessage(network, vote), vote.signature, fromHex(signer.publicKey, HASH_BYTES))
  ) {
    throw new ChainFormatError('ERR_VOTE_SIGNATURE', `The vote is not signed by validator ${vote.validator}.`, {
      meta: { validator: vote.validator },
    });
  }
}
