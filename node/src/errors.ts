import { AppError, type AppErrorOptions } from '@blyan/interface';

export type NodeErrorCode =
  /** The command line has a mistake; the sentence names it. */
  | 'ERR_NODE_USAGE'
  /** A flag, environment variable or configuration file holds a value that is not acceptable, or a key nobody knows. */
  | 'ERR_NODE_CONFIG'
  /** The data folder cannot be read or written, or a newer program wrote it. */
  | 'ERR_NODE_DATA_DIR'
  /** Another process has the data folder; the sentence names it. */
  | 'ERR_NODE_DATA_DIR_LOCKED'
  /** An address to listen on is taken or not allowed; the sentence names the flag that chooses another. */
  | 'ERR_NODE_PORT_TAKEN'
  /** There is no identity, another one stands in its place, or its file cannot be written. */
  | 'ERR_NODE_KEY'
  /** No running daemon was found for the data folder. */
  | 'ERR_NODE_NOT_RUNNING'
  /** The node that was found runs without a gateway, or a gateway did not answer in time. */
  | 'ERR_NODE_GATEWAY'
  /** No stored model has this name or root; the sentence lists those that are there. */
  | 'ERR_NODE_MODEL_NOT_FOUND'
  /** A daemon of the local network ended before the network was ready; the sentence holds its last words. */
  | 'ERR_NODE_CHILD_FAILED'
  /** A block this node computes with is damaged or gone, and no reachable peer has it; start a node that has. */
  | 'ERR_NODE_BLOCK_UNAVAILABLE'
  /** A plan would have this gateway compute, which it does not. */
  | 'ERR_NODE_PLAN_REFUSED'
  /** The data folder, an invite and the peers do not belong to one network. */
  | 'ERR_NODE_WRONG_NETWORK'
  /** The data folder's network was founded on rules that this version does not follow; the sentence names it and what to do. */
  | 'ERR_NODE_OLD_GENESIS'
  /** The daemon was stopped before it was ready. */
  | 'ERR_NODE_STOPPED'
  /** A file the command was given, or that belongs to the installation, is not there. */
  | 'ERR_NODE_MISSING_FILE'
  /** What a node says of the chain's state is not what its block commits to. */
  | 'ERR_NODE_CHAIN_PROOF'
  /** The file of API keys cannot be read or written; BLYAN_CREDENTIALS names another. */
  | 'ERR_NODE_CREDENTIALS'
  /** A record that was sent will not come on the chain. */
  | 'ERR_NODE_RECORD_DROPPED'
  /** A record that was sent is not final yet. */
  | 'ERR_NODE_RECORD_WAITING'
  /** The files of the chain's store are damaged; the sentence names them. */
  | 'ERR_NODE_CHAIN_DAMAGED'
  /** A file of a chain cannot be written, or does not hold what it should. */
  | 'ERR_NODE_CHAIN_FILE'
  /** Stopped by Ctrl-C or a signal before it was done. */
  | 'ERR_NODE_INTERRUPTED';

/** What the daemon and its command line refuse or fail at; `caller` kinds carry the way out in their sentence. */
export class NodeError extends AppError<NodeErrorCode> {}

/** A mistake in how the command was typed or configured: exit code 2. */
export function usageError(message: string, options: AppErrorOptions = {}): NodeError {
  return new NodeError('ERR_NODE_USAGE', message, { kind: 'caller', ...options });
}
