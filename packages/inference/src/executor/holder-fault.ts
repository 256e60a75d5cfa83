import { errorCode } from '@blyan/interface';
import { RemoteError } from '@blyan/p2p';
import type { FaultReason } from '@blyan/routing';

export interface HolderFault {
  /** Null when the holder did nothing wrong: it is busy, or just starting or stopping. */
  readonly reason: FaultReason | null;
  /** The same holder may answer later. */
  readonly again: boolean;
}

const NOT_NOW: HolderFault = { reason: null, again: true };
const REASONS: Readonly<Record<string, HolderFault>> = {
  ERR_P2P_PEER_GONE: { reason: 'gone', again: true },
  ERR_P2P_UNREACHABLE: { reason: 'gone', again: true },
  ERR_P2P_HANDSHAKE: { reason: 'gone', again: true },
  ERR_P2P_TIMEOUT: { reason: 'silent', again: true },
  ERR_P2P_BUSY: NOT_NOW,
  ERR_P2P_PROTOCOL: NOT_NOW,
  ERR_P2P_UNKNOWN_METHOD: NOT_NOW,
  ERR_INFERENCE_BUSY: NOT_NOW,
  ERR_INFERENCE_STOPPED: NOT_NOW,
};
const GARBAGE = new Set([
  'ERR_INFERENCE_FRAME',
  'ERR_INFERENCE_NOT_FINITE',
  'ERR_P2P_BAD_FRAME',
  'ERR_P2P_BAD_RESPONSE',
]);
/** This node's own doing: no other holder would help. */
const OURS = new Set(['ERR_P2P_NOT_RUNNING', 'ERR_P2P_FRAME_TOO_LARGE']);

/** Why an expert call failed; null when it is not the holder's doing. */
export function holderFault(error: unknown): HolderFault | null {
  const code = errorCode(error);
  const answered = error instanceof RemoteError;
  if (!answered && OURS.has(code)) return null;
  // A code in the holder's own words says what it found wrong, not what it did wrong.
  if (!answered && GARBAGE.has(code)) return { reason: 'garbage', again: false };
  return REASONS[code] ?? { reason: 'error', again: false };
}
