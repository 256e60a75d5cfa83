import {
  BlockRepository,
  type BuiltGenesis,
  genesisBlock,
  replayBlocks,
  StoredState,
  stateRoot,
  verifyChain,
} from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { checkLevelFiles, LevelStore } from '@blyan/store';

/** What a validator said of its chain before it was killed. */
export interface Acknowledged {
  readonly height: number;
  readonly hash: string;
}

export interface Checked {
  readonly height: number;
  readonly problems: readonly string[];
}

/**
 * Opens the store as a node that starts does, and looks whether the chain goes at least as far as was acknowledged, all blocks
 * after a height are whole, and the state is that of the head.
 */
export async function checkStore(dir: string, acknowledged: Acknowledged, fromHeight: number): Promise<Checked> {
  const problems: string[] = [];
  const store = await LevelStore.open({ dir });
  try {
    const repository = new BlockRepository(store, nodeSuite);
    const head = repository.head();
    if (head === null) {
      // Killed before the genesis block was on disk: then nothing else may be there.
      for await (const [key] of store.entries({ from: '!', to: '~', limit: 1 })) problems.push(`no head, but ${key}`);
      if (acknowledged.height > 0) problems.push('no head, though blocks were acknowledged');
      return { height: 0, problems };
    }
    if (repository.blockAt(acknowledged.height)?.block.hash !== acknowledged.hash) {
      problems.push(`block ${acknowledged.height} ${acknowledged.hash} was acknowledged and is lost`);
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

/** Everything from the genesis, files and keys; every block is executed again. */
export async function checkAll(dir: string, genesis: BuiltGenesis): Promise<Checked> {
  const files = (await checkLevelFiles(dir)).map(({ file, what }) => `${file}: ${what}`);
  const store = await LevelStore.open({ dir });
  try {
    const beginning = genesisBlock(genesis, nodeSuite);
    const { epochBlocks } = genesis.genesis.protocol.chain;
    const execute = replayBlocks(beginning, nodeSuite);
    const options = { network: genesis.hash, genesis: beginning, epochBlocks, execute };
    const { height, damage } = await verifyChain(options, { store, suite: nodeSuite });
    return { height: height ?? 0, problems: [...files, ...damage.map(({ key, what }) => `${key}: ${what}`)] };
  } finally {
    await store.close();
  }
}
