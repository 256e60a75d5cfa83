import { type BlockOutline, type CryptoSuite, decodeOutline } from '@blyan/chain-format';
import type { Hash, KeyValueStore, StoreWrite } from '@blyan/interface';
import type { EpochEnd } from '@blyan/light-client';
import { StateOverlay } from '../state/state-overlay.ts';
import { stateRoot } from '../state/state-reader.ts';
import { StoredState } from '../state/stored-state.ts';
import { finalBlockWrites, validatorSetWrites } from '../storage/block-writes.ts';
import { clearChain } from '../storage/clear-chain.ts';
import { blockKey, epochEndKey, HEAD_KEY, heightKey, PRUNED_KEY, placeKey, SNAPSHOT_KEY } from '../storage/keys.ts';
import { encodeEpochEnd, encodeHeight, encodePlace, encodeStoredBlock } from '../storage/stored-values.ts';
import { decodeChunk } from './chunk.ts';
import type { SnapshotManifest } from './manifest.ts';
import { SnapshotError } from './snapshot-error.ts';

export interface VerifiedSnapshot {
  readonly manifest: SnapshotManifest;
  /** Of all epochs up to the snapshot's block. */
  readonly ends: readonly EpochEnd[];
  /** Chunks that hash to what the manifest names, in their order. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface InstallOptions {
  /** The genesis block, and the validators of the first two epochs. */
  readonly genesis: { readonly block: BlockOutline; readonly validators: EpochEnd['nextValidators'] };
  readonly epochBlocks: number;
}

/**
 * Makes a store hold a snapshot and nothing else, besides the journal of consensus. The head is written last and synced: a
 * store that was left in the middle has no head, and installing again clears it.
 *
 * @throws ERR_SNAPSHOT_CHUNK, ERR_SNAPSHOT_BLOCK, ERR_SNAPSHOT_STATE; then the store has no head
 */
export async function installSnapshot(
  store: KeyValueStore,
  suite: CryptoSuite,
  { manifest, ends, chunks }: VerifiedSnapshot,
  { genesis, epochBlocks }: InstallOptions,
): Promise<void> {
  await clearChain(store);
  const { block, certificate } = manifest;
  const { height } = block.header;
  const first = height - epochBlocks + 1;
  const state = new StoredState(store);
  const outlines = new OutlineCheck(block, first, suite);
  for await (const chunk of chunks) {
    const values = new Map<string, Uint8Array>();
    for (const [key, value] of decodeChunk(chunk)) {
      if (key.startsWith('s/')) values.set(key.slice(2), new Uint8Array(value));
      else await store.write(outlines.take(key, value), { sync: false });
    }
    const overlay = new StateOverlay(state, values);
    await store.write([...overlay.writes()], { sync: false });
    state.absorb(overlay);
  }
  outlines.assertComplete();
  if (stateRoot(state) !== block.header.stateRoot) {
    throw new SnapshotError(
      'ERR_SNAPSHOT_STATE',
      'The state of the snapshot is not the one that its block commits to.',
      {
        meta: { height },
      },
    );
  }
  const writes: StoreWrite[] = [...finalBlockWrites({ block: genesis.block, records: [], certificate: null })];
  if (genesis.validators !== null) writes.push(...validatorSetWrites(genesis.validators, suite));
  for (const { header, certificate, nextValidators } of ends) {
    writes.push({ key: epochEndKey(header.epoch), value: encodeEpochEnd({ header, certificate }) });
    if (nextValidators !== null) writes.push(...validatorSetWrites(nextValidators, suite));
  }
  await store.write(
    writes.filter(({ key }) => key !== HEAD_KEY),
    { sync: false },
  );
  const head = finalBlockWrites({ block, records: [], certificate }, { epochBlocks });
  await store.write(
    [...head, { key: PRUNED_KEY, value: encodeHeight(first) }, { key: SNAPSHOT_KEY, value: encodeHeight(height) }],
    { sync: true },
  );
}

/** The outlines of an epoch come in ascending order, and are the ancestors of its last block. */
class OutlineCheck {
  readonly #last: BlockOutline;
  readonly #suite: CryptoSuite;
  #height: number;
  #hash: Hash | null = null;

  constructor(last: BlockOutline, first: number, suite: CryptoSuite) {
    this.#last = last;
    this.#height = first;
    this.#suite = suite;
  }

  take(key: string, bytes: Uint8Array): StoreWrite[] {
    const height = this.#height++;
    const block = this.#decode(bytes);
    const follows = this.#hash === null || block.header.parent === this.#hash;
    if (key !== blockKey(height) || block.header.height !== height || !follows) throw otherBlocks(height);
    this.#hash = block.hash;
    return [
      { key, value: encodeStoredBlock({ block, certificate: null }) },
      { key: heightKey(block.hash), value: encodeHeight(height) },
      ...block.recordHashes.map((hash, index) => ({ key: placeKey(hash), value: encodePlace({ height, index }) })),
    ];
  }

  assertComplete(): void {
    if (this.#hash !== this.#last.hash) throw otherBlocks(this.#height);
  }

  #decode(bytes: Uint8Array): BlockOutline {
    try {
      return decodeOutline(bytes, this.#suite);
    } catch (cause) {
      throw new SnapshotError('ERR_SNAPSHOT_CHUNK', 'A block in a chunk of the snapshot is none.', { cause });
    }
  }
}

function otherBlocks(height: number): SnapshotError {
  const message = 'The blocks in the snapshot are not those before its block.';
  return new SnapshotError('ERR_SNAPSHOT_BLOCK', message, { meta: { height } });
}
