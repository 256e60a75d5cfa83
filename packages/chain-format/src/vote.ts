import { encodeCanonical } from '@blyan/codec/canonical';
import { domainMessage, fromHex } from '@blyan/crypto/noble';
import type { Hash, NetworkId } from '@blyan/interface';

/** `notarise` and `finalise` are for a block, `dummy` gives a view up. */
export type VoteKind = 'notarise' | 'dummy' | 'finalise';
export const VOTE_KINDS: readonly VoteKind[] = ['notarise', 'dummy', 'finalise'];
const VOTE_DOMAIN = 'blyan/vote/1';

/** What is voted on. */
export interface Ballot {
  readonly kind: VoteKind;
  readonly epoch: number;
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

/** What a vote's signature is over. */
export function ballotMessage(network: NetworkId, { kind, epoch, view, block }: Ballot): Uint8Array {
  const fields = [
    fromHex(network, 32),
    VOTE_KINDS.indexOf(kind),
    epoch,
    view,
    block === null ? null : fromHex(block, 32),
  ];
  return domainMessage(VOTE_DOMAIN, encodeCanonical(fields));
}
