import { errorCode, type FaultReason, type PeerId } from '@blyan/interface';
import { InferenceError } from '../errors.ts';

/** A node was lost while it was being asked. */
export class LostError extends InferenceError {
  readonly reason: FaultReason;

  constructor(peerId: PeerId, reason: FaultReason) {
    const message = 'A node that computes this answer is gone; ask again.';
    super('ERR_INFERENCE_STAGE', message, { kind: 'peer', meta: { peerId } });
    this.reason = reason;
  }
}

const GONE_CODES = new Set([
  'ERR_P2P_PEER_GONE',
  'ERR_P2P_UNREACHABLE',
  'ERR_P2P_PROTOCOL',
  'ERR_P2P_NOT_RUNNING',
  'ERR_INFERENCE_SEQUENCE_UNKNOWN',
]);

/** What it means for a node that asking it failed so: `error` when it has answered, with an error. */
export function lossReason(error: unknown): FaultReason {
  if (error instanceof LostError) return error.reason;
  const code = errorCode(error);
  if (code === 'ERR_P2P_TIMEOUT') return 'silent';
  return GONE_CODES.has(code) ? 'gone' : 'error';
}
