import { type CryptoSuite, decodeRecord } from '@blyan/chain-format';
import type { KeyValueReader, StoreWrite } from '@blyan/interface';
import { BlockRepository } from './block-repository.ts';
import { placeKeys } from './block-writes.ts';
import { blockKey, heightKey, PRUNED_KEY, placeKey, recordKey } from './keys.ts';
import { damaged } from './storage-error.ts';
import { encodeHeight } from './stored-values.ts';

export interface PruneRange {
  /** The first block to keep. Blocks that a rule of the chain may still ask for have to be above. */
  readonly below: number;
  /** Most blocks of one batch. */
  readonly limit: number;
}

/**
 * Removes old blocks, their records and the indexes that lead to them; the genesis block, the ends of epochs and validator
 * sets stay for ever. A batch at a time, so that a commit never waits for long: nothing is left to do when it is empty.
 *
 * @throws ERR_CHAIN_STORED
 */
export function pruneWrites(store: KeyValueReader, suite: CryptoSuite, { below, limit }: PruneRange): StoreWrite[] {
  const repository = new BlockRepository(store, suite);
  const from = Math.max(1, repository.prunedBelow());
  const to = Math.min(below, from + limit, repository.head()?.height ?? 0);
  if (to <= from) return [];
  const writes: StoreWrite[] = [{ key: PRUNED_KEY, value: encodeHeight(to) }];
  const snapshotHeight = repository.snapshotHeight();
  const remove = (key: string) => writes.push({ key, value: null });
  for (let height = from; height < to; height++) {
    const found = repository.blockAt(height);
    if (found === null) throw damaged(blockKey(height));
    for (const [index, hash] of found.block.recordHashes.entries()) {
      const bytes = repository.recordBytes(hash);
      if (bytes === null && height > snapshotHeight) throw damaged(recordKey(hash));
      if (bytes !== null) for (const key of placeKeys(decodeRecord(bytes, suite), { height, index })) remove(key);
      remove(placeKey(hash));
      remove(recordKey(hash));
    }
    remove(heightKey(found.block.hash));
    remove(blockKey(height));
  }
  return writes;
}
