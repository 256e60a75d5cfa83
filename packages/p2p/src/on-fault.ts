import { AppError, type PeerId } from '@blyan/interface';

/** Told what a peer did wrong: `grave` when no honest peer does it. */
export type OnFault = (peerId: PeerId, code: string, grave: boolean) => void;

/** The stream ended because of what the peer sent on it, not because it was closed or lost. */
export function isBrokenFrame(reason: unknown): reason is AppError {
  return reason instanceof AppError && reason.kind === 'peer' && reason.code !== 'ERR_P2P_PEER_GONE';
}
