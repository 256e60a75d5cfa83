import { type ConsensusMessage, MAX_WANTED_VIEWS } from '@blyan/chain';
import {
  type CryptoSuite,
  decodeCertificate,
  decodeProposal,
  decodeVote,
  encodeCertificate,
  encodeProposal,
  encodeVote,
} from '@blyan/chain-format';
import { decodeCanonical, encodeCanonical } from '@blyan/codec';
import { P2pError } from '../errors.ts';

export const CONSENSUS_METHODS = ['proposal', 'vote', 'certificate', 'status'] as const;
export type ConsensusMethod = (typeof CONSENSUS_METHODS)[number];
const MAX_STATUS_BYTES = 1024;

/** The body of a message; its type is the method's name. A status is canonical CBOR of `[epoch, view, height, wants]`. */
export function encodeConsensusMessage(message: ConsensusMessage): Uint8Array {
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

/** @throws an AppError of kind `peer` for bytes that are none */
export function decodeConsensusMessage(
  method: ConsensusMethod,
  bytes: Uint8Array,
  suite: CryptoSuite,
): ConsensusMessage {
  switch (method) {
    case 'proposal':
      return { type: 'proposal', ...decodeProposal(bytes, suite) };
    case 'vote':
      return { type: 'vote', vote: decodeVote(bytes) };
    case 'certificate':
      return { type: 'certificate', certificate: decodeCertificate(bytes) };
    case 'status':
      return decodeStatus(bytes);
  }
}

function decodeStatus(bytes: Uint8Array): ConsensusMessage {
  try {
    const items = decodeCanonical(bytes, { maxBytes: MAX_STATUS_BYTES });
    if (!Array.isArray(items) || items.length !== 4) throw new RangeError('not an array of four');
    const [epoch, view, height, wants] = items as unknown[];
    if (!isCount(epoch) || !isCount(view) || !isCount(height)) throw new RangeError('not a count');
    if (!Array.isArray(wants) || wants.length > MAX_WANTED_VIEWS || !wants.every(isCount))
      throw new RangeError('wants');
    if (wants.some((wanted, i) => i > 0 && wanted <= (wants[i - 1] as number)))
      throw new RangeError('wants is not ascending');
    return { type: 'status', epoch, view, height, wants };
  } catch (cause) {
    const message = 'A message about where a node stands cannot be read.';
    throw new P2pError('ERR_P2P_CHAIN_MESSAGE', message, { kind: 'peer', cause });
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
