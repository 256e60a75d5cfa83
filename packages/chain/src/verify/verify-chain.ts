import type { BlockOutline, CryptoSuite, HashedRecord, ValidatorSet } from '@blyan/chain-format';
import type { KeyValueReader, NetworkId } from '@blyan/interface';
import type { StateOverlay } from '../state/state-overlay.ts';
import type { StateReader } from '../state/state-reader.ts';
import { BlockRepository } from '../storage/block-repository.ts';
import { blockKey, HEAD_KEY } from '../storage/keys.ts';
import { type ChainDamage, Findings } from './findings.ts';
import { BlockVerifier } from './verify-blocks.ts';
import { verifyKeys } from './verify-keys.ts';
import { verifyState } from './verify-state.ts';

/** The state that a block leaves behind; throws when one of its records cannot be applied. `parent` is null for the genesis block. */
export type ExecuteBlock = (
  state: StateReader,
  block: BlockOutline,
  records: readonly HashedRecord[],
  parent: BlockOutline | null,
) => StateOverlay;

export interface VerifyOptions {
  readonly network: NetworkId;
  /** The genesis block, and the validators of the first two epochs. */
  readonly genesis: { readonly block: BlockOutline; readonly validators: ValidatorSet };
  readonly epochBlocks: number;
  /** Without it blocks are not executed, and the state is held against the head alone. */
  readonly execute?: ExecuteBlock;
  /** Most damage to report; 100 by default. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  /** Told now and then of the height that was checked. */
  readonly progress?: (height: number, head: number) => void;
}

export interface VerifyDeps {
  readonly store: KeyValueReader;
  readonly suite: CryptoSuite;
}

export interface ChainReport {
  /** Of the head; null where the store holds no chain. */
  readonly height: number | null;
  /** The first height whose records are here; 1 where all are, unless pruned or begun from a snapshot. */
  readonly from: number;
  /** Whether every block was executed again from the genesis. */
  readonly executed: boolean;
  readonly damage: readonly ChainDamage[];
}

const PROGRESS_BLOCKS = 256;

/**
 * Checks everything a store holds of a chain: hashes, parents and certificates of all blocks, records and their signatures, each
 * state root by executing the blocks again, the state at the head with every page of its tree, and all indexes, in both
 * directions. What a pruned node no longer has cannot be executed again; its state is held against the head's root then. Bits
 * that flipped in Level's files are found before by `checkLevelFiles` of `@blyan/store`, while the store is closed.
 *
 * @throws the signal's reason; ERR_STORE_… when the store cannot be read at all
 */
export async function verifyChain(options: VerifyOptions, deps: VerifyDeps): Promise<ChainReport> {
  const { limit = 100, signal, progress } = options;
  const { store, suite } = deps;
  const findings = new Findings(limit);
  const repository = new BlockRepository(store, suite);
  const head = findings.try(HEAD_KEY, () => repository.head());
  if (head === null) {
    for await (const [key] of store.entries({ from: 'b/', to: 'b0', limit: 1 })) {
      findings.add(HEAD_KEY, `it is missing, and yet there is ${key}`);
    }
    return { height: null, from: 1, executed: false, damage: findings.list() };
  }
  if (store.get(blockKey(head.height)) === undefined) findings.add(HEAD_KEY, 'it names a block that is not there');
  const prunedBelow = findings.try('m/pruned', () => repository.prunedBelow()) ?? 0;
  const bodiesFrom = Math.max(1, prunedBelow, (findings.try('m/snapshot', () => repository.snapshotHeight()) ?? 0) + 1);
  const blocks = new BlockVerifier(options, deps, findings, bodiesFrom === 1);
  blocks.verify(0, true);
  for (let height = Math.max(1, prunedBelow); height <= head.height && !findings.full; height++) {
    // Level reads at once: between blocks others get their turn.
    if (height % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    if (height === prunedBelow) blocks.resume(height);
    blocks.verify(height, height >= bodiesFrom);
    if (height % PROGRESS_BLOCKS === 0) progress?.(height, head.height);
  }
  blocks.finish();
  const last = findings.try(blockKey(head.height), () => repository.blockAt(head.height)?.block ?? null);
  if (last !== null && last.hash !== head.hash) findings.add(HEAD_KEY, 'it names another block than the last one');
  await verifyKeys(deps, repository, findings, signal);
  if (last !== null) await verifyState(store, blockKey(head.height), last.header.stateRoot, blocks.state, findings);
  return { height: head.height, from: bodiesFrom, executed: blocks.state !== null, damage: findings.list() };
}
