import { encodeCanonical } from '@blyan/codec/canonical';
import type { CryptoSuite } from './crypto-suite.ts';
import { type BlockOutline, decodeOutline, encodeOutline, MAX_OUTLINE_BYTES } from './outline.ts';
import { decoding, ENVELOPE_BYTES, readArray, readBytes } from './read.ts';
import { decodeVote, encodeVote, MAX_VOTE_BYTES, type Vote } from './vote.ts';

export const MAX_PROPOSAL_BYTES = ENVELOPE_BYTES + MAX_OUTLINE_BYTES + MAX_VOTE_BYTES;

/** What a leader sends: a block and its own `notarise` vote for it, which is also its signature under the proposal. */
export interface Proposal {
  readonly block: BlockOutline;
  /** Its view is the block's, or a later one where the last block of an epoch is proposed again. */
  readonly vote: Vote;
}

/** Canonical CBOR of `[outline, vote]`, both being their bytes. */
export function encodeProposal({ block, vote }: Proposal): Uint8Array {
  return encodeCanonical([encodeOutline(block), encodeVote(vote)]);
}

/**
 * Outline and vote are well-formed and fit together. Signature and leader are for the caller to check.
 *
 * @throws ERR_PROPOSAL_BYTES
 */
export function decodeProposal(bytes: Uint8Array, suite: CryptoSuite): Proposal {
  return decoding('ERR_PROPOSAL_BYTES', 'proposal', () => {
    const items = readArray(bytes, 2, MAX_PROPOSAL_BYTES);
    const vote = decodeVote(readBytes(items[1], 'vote'));
    const block = decodeOutline(readBytes(items[0], 'outline'), suite);
    const fits = vote.kind === 'notarise' && vote.block === block.hash && vote.epoch === block.header.epoch;
    if (!fits || vote.view < block.header.view) throw new RangeError('the vote is not one for this block');
    return { block, vote };
  });
}
