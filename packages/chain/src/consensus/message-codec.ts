import {
  type CryptoSuite,
  decodeCertificate,
  decodeProposal,
  decodeVote,
  encodeCertificate,
  encodeProposal,
  encodeVote,
  MAX_PROPOSAL_BYTES,
  readArray,
  readBytes,
  readCount,
} from '@blyan/chain-format';
import { type CanonicalValue, encodeCanonical } from '@blyan/codec/canonical';
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
    const [type, body] = readArray(bytes, 2, MAX_MESSAGE_BYTES);
    const content = readBytes(body, 'content');
    switch (TYPES[readCount(type, 'type')]) {
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
  const [epoch, view, height, wanted] = readArray(bytes, 4, 64 + 9 * MAX_WANTED_VIEWS);
  if (!Array.isArray(wanted) || wanted.length > MAX_WANTED_VIEWS) throw new RangeError('no list of views');
  const wants = wanted.map((item: CanonicalValue) => readCount(item, 'view'));
  if (wants.some((item, i) => i > 0 && item <= (wants[i - 1] as number))) throw new RangeError('views out of order');
  return {
    type: 'status',
    epoch: readCount(epoch, 'epoch'),
    view: readCount(view, 'view'),
    height: readCount(height, 'height'),
    wants,
  };
}
