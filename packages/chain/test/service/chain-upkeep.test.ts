import { nodeSuite } from '@blyan/crypto';
import { type ChainHead, silentLogger } from '@blyan/interface';
import { expect, it, onTestFinished } from 'vitest';
import { BlockRepository, ChainUpkeep, type ChainUpkeepOptions, SnapshotShelf } from '../../src/index.ts';
import { EPOCH_BLOCKS, genesis, TestNode, transfer } from '../application/fixture.ts';
import { tempBlobs } from '../snapshot/fixture.ts';

/** A busy machine is no failure. */
const PATIENT = { timeout: 30_000, interval: 5 };

/** A node whose upkeep hears of each of so many blocks, every one with a transfer. */
async function grown(epochs: number, options: Omit<ChainUpkeepOptions, 'epochBlocks'>) {
  const node = await TestNode.open();
  const { store } = node;
  const blobs = await tempBlobs();
  const shelf = new SnapshotShelf(
    { network: genesis.hash, epochBlocks: EPOCH_BLOCKS },
    { store, blobs, suite: nodeSuite },
  );
  let taken = 0;
  const logger = { ...silentLogger, info: () => void taken++ };
  const upkeep = new ChainUpkeep({ epochBlocks: EPOCH_BLOCKS, ...options }, { store, shelf, suite: nodeSuite, logger });
  const listeners = new Set<(head: ChainHead) => void>();
  const head = () => ({ height: node.application.head.header.height }) as ChainHead;
  upkeep.start({
    head,
    onHead: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  onTestFinished(() => upkeep.stop());
  const repository = new BlockRepository(store, nodeSuite);
  for (let n = 0; n < epochs * EPOCH_BLOCKS; n++) {
    node.offer(transfer('ann', 'bob', 1n, { nonce: n }));
    await node.commit(node.build());
    for (const listener of listeners) listener(head());
    const ended = head().height / EPOCH_BLOCKS / options.snapshotEpochs;
    // While one is being taken, no other is begun: here epochs follow each other faster.
    if (Number.isInteger(ended)) await expect.poll(() => taken, PATIENT).toBe(ended);
  }
  return { repository, shelf, upkeep, listeners };
}

it('takes a snapshot every so many epochs, and removes old blocks but not those above the oldest snapshot', async () => {
  const { repository, shelf, upkeep, listeners } = await grown(10, { snapshotEpochs: 2, keepEpochs: 1 });
  expect(await shelf.heights()).toEqual([8 * EPOCH_BLOCKS, 10 * EPOCH_BLOCKS]);
  // Six epochs are kept: twice the distance of snapshots, and two.
  await expect.poll(() => repository.prunedBelow(), PATIENT).toBe(4 * EPOCH_BLOCKS + 1);
  expect(() => repository.blockAt(4 * EPOCH_BLOCKS)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_PRUNED' }));
  expect(repository.blockAt(4 * EPOCH_BLOCKS + 1)?.block.recordHashes).toHaveLength(1);
  expect(repository.blockAt(0)).not.toBeNull();
  // What light clients follow stays.
  for (let epoch = 0; epoch < 10; epoch++) expect(repository.epochEnd(epoch)?.header.epoch).toBe(epoch);
  await upkeep.stop();
  expect(listeners.size).toBe(0);
});

it('an archive keeps everything', async () => {
  const { repository, shelf } = await grown(8, { snapshotEpochs: 1, keepEpochs: null });
  expect(await shelf.heights()).toEqual([7 * EPOCH_BLOCKS, 8 * EPOCH_BLOCKS]);
  expect(repository.prunedBelow()).toBe(0);
  expect(repository.blockAt(1)?.block.recordHashes).toHaveLength(1);
});
