import type { AppError } from './errors.ts';
import type { Hash, NetworkId } from './ids.ts';

/** A validator voted in one view for two things of which an honest one votes for one: this node holds both votes. */
export interface HeldEvidence {
  readonly epoch: number;
  readonly view: number;
  /** Index in the validator set of the epoch. */
  readonly validator: number;
  /** Both votes in hexadecimal, as `encodeEvidence` of `@blyan/chain-format` makes them: anybody can check it. */
  readonly proof: string;
}

/** The newest final block, and how this node stands to the chain. */
export interface ChainHead {
  readonly networkId: NetworkId;
  readonly height: number;
  readonly hash: Hash;
  readonly epoch: number;
  /** Milliseconds since 1970, of the block. */
  readonly timeMs: number;
  readonly stateRoot: Hash;
  /** Validators of the epoch that the next block belongs to. */
  readonly validators: number;
  /** Whether this node is one of them. */
  readonly validates: boolean;
  /** Records that wait for a block here. */
  readonly pending: number;
  /** How long records have waited here without a new final block, milliseconds; 0 when none wait. */
  readonly waitingMs: number;
  /** What this node found of validators that cheated, the latest epochs last; at most 16. */
  readonly evidence: readonly HeldEvidence[];
}

/** A final block without the bytes of its records. */
export interface FinalBlock {
  readonly hash: Hash;
  readonly height: number;
  /** Canonical bytes, as `encodeHeader` of `@blyan/chain-format` makes them. */
  readonly header: Uint8Array;
  /** In the block's order. */
  readonly recordHashes: readonly Hash[];
  /** Canonical bytes of the `finalise` certificate of this block, or of the descendant that made it final; null for the genesis block. */
  readonly certificate: Uint8Array | null;
}

/** Where a record stands. */
export interface RecordPlace {
  readonly height: number;
  readonly blockHash: Hash;
  /** Position in the block, from 0. */
  readonly index: number;
}

export interface KnownRecord {
  readonly hash: Hash;
  /** Canonical bytes; null when they were pruned here. */
  readonly bytes: Uint8Array | null;
  /** Null while it waits for a block. */
  readonly place: RecordPlace | null;
}

/** As final at the head. */
export interface ChainAccount {
  /** Base units (10^-18 BLY). */
  readonly balance: bigint;
  /** The nonce that the account's next record on the chain will have. */
  readonly nonce: number;
  /** The nonce to sign a new record with: behind those of the account that wait here. */
  readonly nextNonce: number;
}

/** The value of a key in the state after a final block, with its way to that block's state root. */
export interface ProvenState {
  readonly key: string;
  /** Canonical bytes, or null where the state has no such key. */
  readonly value: Uint8Array | null;
  /** See `StateProof` of `@blyan/chain-format`. */
  readonly siblings: readonly Hash[];
  readonly other: { readonly path: Hash; readonly valueHash: Hash } | null;
  readonly block: FinalBlock;
}

/**
 * The chain as the gateway, the daemon and the command line see it: what is final, and a way to hand records in. Nothing
 * here blocks on consensus: a chain that stands still answers from its head.
 */
export interface Chain {
  /** Canonical bytes of the genesis: their SHA-256 is the network id. */
  readonly genesis: Uint8Array;

  /** Why the chain of this node has stopped for good (its disk is full, or what is stored is damaged); null while it has not. */
  readonly failure: AppError | null;

  /** @throws an error whose code ends in `_HALTED` when the chain of this node has stopped for good */
  head(): ChainHead;

  /**
   * Null when there is none of that height or hash.
   * @throws an error whose code ends in `_PRUNED` when it was there and is no longer
   */
  block(id: number | Hash): Promise<FinalBlock | null>;

  /** Final blocks of heights below `before`, the highest first, at most `limit`; fewer where pruning begins. */
  blocks(before: number, limit: number): Promise<readonly FinalBlock[]>;

  /** A record on the chain or one that waits here; null when this node knows none of that hash. */
  record(hash: Hash): Promise<KnownRecord | null>;

  /**
   * Records on the chain that an account signed, the latest first, those before a place or all, at most `limit`. A node that
   * began from a snapshot has those behind it.
   */
  recordsOf(
    author: string,
    before: { readonly height: number; readonly index: number } | null,
    limit: number,
  ): Promise<readonly { readonly hash: Hash; readonly place: RecordPlace }[]>;

  /** All zeros for an address that no record named yet. */
  account(address: string): ChainAccount;

  /** The value of a state key after the head, canonical bytes; null when there is none. */
  value(key: string): Uint8Array | null;

  /** Keys of the state after the head that begin so, with their values, by code unit, at most `limit`. */
  values(prefix: string, limit: number): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;

  /** As `value`, with a proof, and the block whose state root it leads to. */
  proof(key: string): Promise<ProvenState>;

  /**
   * Ends of finished epochs from one on, each with its certificate and the validators that follow: canonical bytes, as
   * `encodeEpochEnd` of `@blyan/light-client` makes them. As many as fit an answer; none where the epoch has not ended.
   */
  epochEnds(fromEpoch: number): readonly Uint8Array[];

  /**
   * Takes a signed record into the mempool and gossips it. A record that waits already, or is on the chain, is no error.
   * @returns its hash
   * @throws an AppError of kind `caller` that says why it can never be applied, or not now
   */
  submit(bytes: Uint8Array): Promise<Hash>;

  /** Called after each new head, in order; may skip heights while this node catches up. @returns what ends it */
  onHead(listener: (head: ChainHead) => void): () => void;

  /** Called once when the chain of this node stops for good; `failure` says why. @returns what ends it */
  onFailure(listener: () => void): () => void;
}
