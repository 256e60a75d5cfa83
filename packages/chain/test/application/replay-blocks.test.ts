import { nodeSuite } from '@blyan/crypto';
import { expect, test } from 'vitest';
import { genesisBlock, replayBlocks, verifyChain } from '../../src/index.ts';
import { EPOCH_BLOCKS, genesis, keyOf, TestNode, transfer } from './fixture.ts';

test('a chain that was committed is found whole by executing it again; a balance that was changed is named', async () => {
  const node = await TestNode.open();
  for (let i = 0; i < 2 * EPOCH_BLOCKS + 1; i++) {
    node.offer(transfer('ann', 'bob', 5n, { nonce: i, fee: 1n }));
    await node.commit(node.build());
  }
  const founding = genesisBlock(genesis, nodeSuite);
  const options = { network: genesis.hash, genesis: founding, epochBlocks: EPOCH_BLOCKS };
  const verify = () =>
    verifyChain({ ...options, execute: replayBlocks(founding, nodeSuite) }, { store: node.store, suite: nodeSuite });
  expect(await verify()).toEqual({ height: 2 * EPOCH_BLOCKS + 1, from: 1, executed: true, damage: [] });
  const key = `s/account/${keyOf('cid')}`;
  await node.store.write([{ key, value: node.store.get(`s/account/${keyOf('bob')}`) ?? null }], { sync: true });
  expect((await verify()).damage.map((damage) => damage.key)).toContain(key);
});
