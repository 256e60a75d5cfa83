import { AppError, type PeerId } from '@blyan/interface';

export type P2pErrorCode =
  | 'ERR_P2P_ADDRESS'
  /** A peer sent a frame that has no place in the conversation; the stream was reset. */
  | 'ERR_P2P_BAD_FRAME'
  /** A request does not have the form its method expects. */
  | 'ERR_P2P_BAD_REQUEST'
  /** A peer answered with something else than its method returns. */
  | 'ERR_P2P_BAD_RESPONSE'
  /** A peer sent bytes that do not belong to the block; they were not kept, and nobody else had it. */
  | 'ERR_P2P_BLOCK_CORRUPT'
  /** No reachable peer has the block, or can deliver it. */
  | 'ERR_P2P_BLOCK_UNAVAILABLE'
  /** Too many calls, or too many bytes, are under way between two nodes; wait for some to finish. */
  | 'ERR_P2P_BUSY'
  /** A final block that a peer gossips is of another network, or not signed by a quorum of its validators. */
  | 'ERR_P2P_CHAIN_BLOCK'
  /** A message about the chain cannot be read. */
  | 'ERR_P2P_CHAIN_MESSAGE'
  /** A peer tells of records or blocks that are of no use: known here, too old, or not to be had. */
  | 'ERR_P2P_CHAIN_STALE'
  /** A message exceeds the frame limit of its protocol and was not sent. */
  | 'ERR_P2P_FRAME_TOO_LARGE'
  /** No connected peer has handed over the genesis of the network. */
  | 'ERR_P2P_GENESIS'
  /** A peer failed at a request for a reason it does not tell. */
  | 'ERR_P2P_HANDLER'
  /** The encrypted handshake failed: another identity than the address names, or another join secret. */
  | 'ERR_P2P_HANDSHAKE'
  | 'ERR_P2P_IDENTITY'
  /** The text is not a complete invite, or there is no address to put into one. */
  | 'ERR_P2P_INVITE'
  /** An address cannot be listened on: it is not of this machine, or its port needs privileges. */
  | 'ERR_P2P_LISTEN'
  /** The network was used before it was started or after it was stopped. */
  | 'ERR_P2P_NOT_RUNNING'
  /** The connection to a peer was lost, and with it the calls under way. */
  | 'ERR_P2P_PEER_GONE'
  | 'ERR_P2P_PORT_TAKEN'
  /** A peer does not speak this major version of a protocol; one of the two nodes is older. */
  | 'ERR_P2P_PROTOCOL'
  /** A node record breaks its bounds, is signed wrongly, or names a peer id of another key. */
  | 'ERR_P2P_RECORD'
  /** A peer did not answer within the deadline. */
  | 'ERR_P2P_TIMEOUT'
  /** A message of consensus from a node that is no validator, or from one that sends too many. */
  | 'ERR_P2P_UNHEARD'
  | 'ERR_P2P_UNKNOWN_METHOD'
  /** No connection to a peer; check that it runs and that its port is open. */
  | 'ERR_P2P_UNREACHABLE'
  /** The peer at an address belongs to another network, or is no Blyan node. */
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
