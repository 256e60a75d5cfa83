import type { HashedRecord } from '@blyan/chain-format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf, PEOPLE, TestNode, transfer, VALIDATORS } from './fixture.ts';

const step = fc.record({
  from: fc.constantFrom(...PEOPLE, ...VALIDATORS),
  to: fc.constantFrom(...PEOPLE, ...VALIDATORS),
  amount: fc.bigInt({ min: 1n, max: 900n }),
  fee: fc.bigInt({ min: 0n, max: 20n }),
  /** Off by this from the author's next nonce. */
  slip: fc.constantFrom(0, 0, 0, 0, 1, -1),
});
const blocks = fc.array(fc.array(step, { maxLength: 6 }), { minLength: 1, maxLength: 7 });

test('any records in any blocks: no unit is made or lost, and a replay elsewhere gives the same roots', async () => {
  await fc.assert(
    fc.asyncProperty(blocks, fc.nat(6), async (program, restartAt) => {
      let node = await TestNode.open();
      const replay = await TestNode.open();
      for (const [i, steps] of program.entries()) {
        if (i === restartAt) node = await TestNode.open(node.store);
        const offered: HashedRecord[] = [];
        for (const { from, to, amount, fee, slip } of steps) {
          const nonce = Math.max(0, node.mempool.nextNonce(keyOf(from)) + slip);
          const record = transfer(from, to, amount, { fee, nonce });
          if (node.offer(record)[0] === 'accept') offered.push(record);
        }
        const block = node.build();
        await node.commit(block);
        replay.application.addRecords(block.recordHashes.map((hash) => bytesOf(node, hash)));
        expect(replay.application.judge(block, block.header.timeMs)).toEqual({ verdict: 'valid' });
        await replay.commit(block);
        expect(await node.supply()).toBe(3_000n);
      }
      expect(replay.application.head).toEqual(node.application.head);
      for (const name of PEOPLE) {
        const key = `account/${keyOf(name)}`;
        expect(replay.application.prove(key)).toEqual(node.application.prove(key));
      }
    }),
    { numRuns: 25 },
  );
});

function bytesOf(node: TestNode, hash: string): Uint8Array {
  return node.store.get(`r/${hash}`) as Uint8Array;
}
