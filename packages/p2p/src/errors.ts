import { AppError, type PeerId } from '@blyan/interface';

export type P2pErrorCode =
  | 'ERR_P2P_ADDRESS'
  | 'ERR_P2P_BAD_FRAME'
  | 'ERR_P2P_BAD_REQUEST'
  | 'ERR_P2P_BAD_RESPONSE'
  | 'ERR_P2P_BLOCK_CORRUPT'
  | 'ERR_P2P_BLOCK_UNAVAILABLE'
  | 'ERR_P2P_BUSY'
  | 'ERR_P2P_FRAME_TOO_LARGE'
  | 'ERR_P2P_GENESIS'
  | 'ERR_P2P_HANDLER'
  | 'ERR_P2P_HANDSHAKE'
  | 'ERR_P2P_IDENTITY'
  | 'ERR_P2P_INVITE'
  | 'ERR_P2P_LISTEN'
  | 'ERR_P2P_NOT_RUNNING'
  | 'ERR_P2P_PEER_GONE'
  | 'ERR_P2P_PORT_TAKEN'
  | 'ERR_P2P_PROTOCOL'
  | 'ERR_P2P_RECORD'
  | 'ERR_P2P_TIMEOUT'
  | 'ERR_P2P_UNKNOWN_METHOD'
  | 'ERR_P2P_UNREACHABLE'
  | 'ERR_P2P_WRONG_NETWORK';

/** What went wrong between this node and its peers. */
export class P2pError extends AppError<P2pErrorCode> {}

/**
 * An error the other side answered with: its code and sentence, both a peer's text. Log it at debug only; show it to
 * nobody who did not ask that peer.
 */
export class RemoteError extends AppError {
  readonly peerId: PeerId;

  constructor(peerId: PeerId, code: string, message: string, meta: Record<string, unknown>) {
    super(code, message, { kind: 'peer', meta: { ...(meta as AppError['meta']), peerId } });
    this.peerId = peerId;
  }
}
