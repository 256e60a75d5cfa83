import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pruneWrites, SnapshotShelf } from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { EPOCH_BLOCKS } from '@blyan/params';
import { FileBlobs, LevelStore } from '@blyan/store';
import { GrownChain, numberedSeed, temporaryDirectory } from '@blyan/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from './test-context.ts';

const stack = new AsyncDisposableStack();
let dir: string;
let chainDir: string;

/** A stopped node's folder with an epoch, a snapshot of it and some blocks more. */
beforeAll(async () => {
  ({ path: dir } = stack.use(await temporaryDirectory('blyan-verify-')));
  chainDir = join(dir, 'chain');
  await mkdir(chainDir);
  // So small a buffer that there are tables.
  const store = await LevelStore.open({ dir: chainDir, writeBufferBytes: 65_536 });
  const chain = await GrownChain.open(store, { validators: [numberedSeed('validator', 0)], accounts: 20 });
  await writeFile(join(dir, 'genesis.cbor'), chain.genesis.bytes);
  await chain.grow(EPOCH_BLOCKS - 4, 0);
  await chain.grow(4, 5);
  const options = { network: chain.genesis.hash, epochBlocks: EPOCH_BLOCKS, chunkBytes: 16_384 };
  const blobs = new FileBlobs(join(dir, 'snapshots'));
  await new SnapshotShelf(options, { store, blobs, suite: nodeSuite }).take(store.snapshot());
  await chain.grow(4, 5);
  await store.close();
});
afterAll(() => stack.disposeAsync());

const verify = () => cli(['chain', 'verify', '--data-dir', dir]);

/** Opening the store gives files other names: which there are is asked anew. */
async function files(): Promise<string[]> {
  const found = ['genesis.cbor'];
  for (const folder of ['chain', 'snapshots']) {
    for (const name of await readdir(join(dir, folder))) if (!/^LO(?:G|CK)/.test(name)) found.push(join(folder, name));
  }
  return found.sort();
}

test('chain verify names the file of any bit that flips in what a node keeps of the chain', async () => {
  expect(await verify()).toMatchObject({ code: 0, stdout: expect.stringContaining('every block executed again') });
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), async (pick, at) => {
      const names = await files();
      const name = names[pick % names.length] as string;
      const path = join(dir, name);
      const bytes = await readFile(path);
      if (bytes.length === 0) return;
      const bit = at % (bytes.length * 8);
      const flip = () => {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        return writeFile(path, bytes);
      };
      await flip();
      const { code, stdout, stderr } = await verify();
      await flip();
      expect([code, stdout + stderr]).toEqual([1, expect.stringContaining(name.replace('chain/', ''))]);
    }),
    { numRuns: 20 },
  );
  expect((await verify()).code).toBe(0);
});

test('of a pruned chain it says what could be checked', async () => {
  const store = await LevelStore.open({ dir: chainDir });
  await store.write(pruneWrites(store, nodeSuite, { below: EPOCH_BLOCKS - 1, limit: EPOCH_BLOCKS }), { sync: true });
  await store.close();
  expect(await verify()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/pruned, or not fetched: records are here from block 255 on and are sound/),
  });
  expect(JSON.parse((await cli(['chain', 'verify', '--json', '--data-dir', dir])).stdout)).toEqual({
    height: EPOCH_BLOCKS + 4,
    from: EPOCH_BLOCKS - 1,
    executed: false,
    damage: [],
  });
});
