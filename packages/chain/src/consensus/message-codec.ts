import {
  type CryptoSuite,
  decodeCertificate,
  decodeProposal,
  decodeVote,
  encodeCertificate,
  encodeProposal,
  encodeVote,
  MAX_PROPOSAL_BYTES,
} from '@blyan/chain-format';
import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec/canonical';
import { ConsensusError } from './errors.ts';
import { type ConsensusMessage, MAX_WANTED_VIEWS, type StatusMessage } from './messages.ts';

/** Most bytes of a message: a proposal is the longest. */
export const MAX_MESSAGE_BYTES = MAX_PROPOSAL_BYTES + 64;
const TYPES = ['proposal', 'vote', 'certificate', 'status'] as const;

/** Canonical CBOR of `[type, content]`: a number, and the bytes of the vote, the proposal, or the like. */
export function encodeConsensusMessage(message: ConsensusMessage): Uint8Array {
  return encodeCanonical([TYPES.indexOf(message.type), contentOf(message)]);
}

function contentOf(message: ConsensusMessage): Uint8Array {
  switch (message.type) {
    case 'proposal':
      return encodeProposal(message);
    case 'vote':
      return encodeVote(message.vote);
    case 'certificate':
      return encodeCertificate(message.certificate);
    case 'status':
      return encodeCanonical([message.epoch, message.view, message.height, [...message.wants]]);
  }
}

/**
 * Well-formed; that a proposal's block is what its hash says was compared, no signature was.
 *
 * @throws ERR_CONSENSUS_MESSAGE
 */
export function decodeConsensusMessage(bytes: Uint8Array, suite: CryptoSuite): ConsensusMessage {
  try {
    const [type, content, ...more] = listOf(decodeCanonical(bytes, { maxBytes: MAX_MESSAGE_BYTES }));
    if (!(content instanceof Uint8Array) || more.length > 0) throw new RangeError('not two items');
    switch (TYPES[Number(type)]) {
      case 'proposal':
        return { type: 'proposal', ...decodeProposal(content, suite) };
      case 'vote':
        return { type: 'vote', vote: decodeVote(content) };
      case 'certificate':
        return { type: 'certificate', certificate: decodeCertificate(content) };
      case 'status':
        return decodeStatus(content);
      default:
        throw new RangeError('unknown type');
    }
  } catch (cause) {
    throw new ConsensusError('ERR_CONSENSUS_MESSAGE', 'These bytes are no message of consensus.', {
      kind: 'peer',
      cause,
    });
  }
}

function decodeStatus(bytes: Uint8Array): StatusMessage {
  const items = listOf(decodeCanonical(bytes, { maxBytes: 64 + 9 * MAX_WANTED_VIEWS }));
  const wants = listOf(items[3]).map(countOf);
  const ascending = wants.every((view, i) => i === 0 || view > (wants[i - 1] as number));
  if (items.length !== 4 || wants.length > MAX_WANTED_VIEWS || !ascending) throw new RangeError('no status');
  return { type: 'status', epoch: countOf(items[0]), view: countOf(items[1]), height: countOf(items[2]), wants };
}

function listOf(value: CanonicalValue | undefined): readonly CanonicalValue[] {
  if (!Array.isArray(value)) throw new RangeError('not a list');
  return value;
}

function countOf(value: CanonicalValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new RangeError('not a count');
  return value;
}
