import { nodeSuite } from '@blyan/crypto';
import { checkLevelFiles, LevelStore } from '@blyan/store';
import { BlockRepository, verifyChain } from '../../../packages/chain/src/index.ts';
import { stateRoot } from '../../../packages/chain/src/state/state-reader.ts';
import { StoredState } from '../../../packages/chain/src/state/stored-state.ts';
import { EPOCH_BLOCKS, execute, genesis, NETWORK, VALIDATORS } from './ledger.ts';

export interface Checked {
  readonly height: number;
  readonly problems: readonly string[];
}

/**
 * Opens the store as a node that starts does, and looks whether all that was acknowledged is there and all blocks after a height
 * are whole.
 */
export async function checkStore(dir: string, acknowledged: readonly string[], fromHeight: number): Promise<Checked> {
  const problems: string[] = [];
  const store = await LevelStore.open({ dir });
  try {
    const repository = new BlockRepository(store, nodeSuite);
    const head = repository.head();
    if (head === null) {
      // Killed before the genesis block was on disk: then nothing else may be there.
      for await (const [key] of store.entries({ from: '!', to: '~', limit: 1 })) problems.push(`no head, but ${key}`);
      if (acknowledged.length > 0) problems.push('no head, though records were acknowledged');
      return { height: 0, problems };
    }
    for (const hash of acknowledged) {
      const place = repository.placeOf(hash);
      const found = place !== null && repository.blockAt(place.height)?.block.recordHashes[place.index];
      if (found !== hash || repository.recordBytes(hash) === null)
        problems.push(`record ${hash} was acknowledged and is lost`);
    }
    for (let height = Math.max(1, fromHeight); height <= head.height; height++) {
      const [block, parent] = [repository.blockAt(height)?.block, repository.blockAt(height - 1)?.block];
      if (block === undefined || block.header.parent !== parent?.hash) problems.push(`block ${height} is torn`);
      for (const [index, hash] of block?.recordHashes.entries() ?? []) {
        const place = repository.placeOf(hash);
        const isWhole = place?.height === height && place.index === index && repository.recordBytes(hash) !== null;
        if (!isWhole) problems.push(`block ${height} is torn: record ${index}`);
      }
    }
    for await (const [key] of store.entries({ from: `b/${String(head.height + 1).padStart(12, '0')}`, to: 'b0' })) {
      problems.push(`${key} is above the head`);
    }
    const last = repository.blockAt(head.height)?.block;
    if (last?.hash !== head.hash) problems.push('the head is not the last block');
    if (stateRoot(new StoredState(store)) !== last?.header.stateRoot)
      problems.push('the state is not that of the head');
    return { height: head.height, problems };
  } finally {
    await store.close();
  }
}

/** Everything from the genesis, files and keys. */
export async function checkAll(dir: string): Promise<Checked> {
  const files = (await checkLevelFiles(dir)).map(({ file, what }) => `${file}: ${what}`);
  const store = await LevelStore.open({ dir });
  try {
    const { block } = genesis();
    const options = {
      network: NETWORK,
      genesis: { block, validators: VALIDATORS },
      epochBlocks: EPOCH_BLOCKS,
      execute,
    };
    const report = await verifyChain(options, { store, suite: nodeSuite });
    return {
      height: report.height ?? 0,
      problems: [...files, ...report.damage.map(({ key, what }) => `${key}: ${what}`)],
    };
  } finally {
    await store.close();
  }
}
