import type { Application, FinalBlockBody } from '@blyan/chain';
import type { BlockOutline, ValidatorSet } from '@blyan/chain-format';
import type { Hash, NetworkId } from '@blyan/interface';
import type { MemoryStore } from '@blyan/store';
import type { World } from './world.ts';

/** What a simulated node agrees on with others, and gives them. */
export interface SimApplication extends Application {
  /** A block that this node has, final or not. */
  outline(hash: Hash): BlockOutline | undefined;
  record(hash: Hash): Uint8Array | undefined;
  /** Hash of the final block of a height. */
  finalAt(height: number): Hash | undefined;
  /** Final blocks from a height on, as many as fit an answer. */
  finalBodies(from: number): readonly FinalBlockBody[];
  /** Takes a record that a block may have. */
  submit(bytes: Uint8Array): void;
  isRecorded(record: Hash): boolean;
}

/** Executes final blocks beside the nodes, and knows what they should find. */
export interface Reference {
  readonly head: BlockOutline;
  /** The set that votes in an epoch; undefined before the epoch is known to begin. */
  validatorsOf(epoch: number): ValidatorSet | undefined;
  /** Takes the block after the head. @returns what is wrong with it, or null */
  execute(block: BlockOutline, records: readonly Uint8Array[]): string | null;
}

/** What all nodes of one run agree on. */
export interface SimChain {
  readonly network: NetworkId;
  /** What a disk holds before a node's first start. */
  readonly founding: readonly (readonly [key: string, value: Uint8Array])[];
  readonly reference: Reference;
  /** The application of a node on what its disk holds. */
  open(store: MemoryStore): Promise<SimApplication>;
  hashOf(record: Uint8Array): Hash;
  /** Something to put on the chain: a record, or several of which only one can be. */
  nextRecords(world: World): readonly Uint8Array[];
}
