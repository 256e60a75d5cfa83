import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyValueStore } from '@blyan/interface';
import { checkLevelFiles, LevelStore, MemoryStore } from '@blyan/store';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ExecuteBlock, type FinalBlock, finalBlockWrites, pruneWrites, verifyChain } from '../../src/index.ts';
import { StateOverlay } from '../../src/state/state-overlay.ts';
import { EMPTY_STATE } from '../../src/state/state-reader.ts';
import { StoredState } from '../../src/state/stored-state.ts';
import { certify, makeBlock, makeRecord, network, suite, validators } from '../storage/fixture.ts';

const EPOCH_BLOCKS = 4;

/** A rule that is no ledger's, but a rule: each record leaves its nonce under its hash, each block its height. */
const execute: ExecuteBlock = (state, { header }, records) => {
  const values = new Map<string, Uint8Array>([['height', new Uint8Array([header.height])]]);
  for (const { hash, record } of records) values.set(`record/${hash.slice(0, 4)}`, new Uint8Array([record.nonce]));
  return new StateOverlay(state, values);
};

async function fill(store: KeyValueStore, blocks: number): Promise<FinalBlock['block']> {
  const state = new StoredState(store);
  let parent: FinalBlock['block'] | null = null;
  let genesis: FinalBlock['block'] | null = null;
  for (let height = 0; height < blocks; height++) {
    const records = height === 0 ? [] : [makeRecord(2 * height), makeRecord(2 * height + 1)];
    const bare = makeBlock(parent, records, EPOCH_BLOCKS);
    const overlay = execute(height === 0 ? EMPTY_STATE : state, bare, records, parent);
    const block = makeBlock(parent, records, EPOCH_BLOCKS, overlay.root);
    // One block becomes final with the next one.
    const certificate = height === 0 || height === 6 ? null : certify(block);
    const writes = finalBlockWrites({ block, records, certificate }, { epochBlocks: EPOCH_BLOCKS });
    await store.write([...writes, ...overlay.writes()], { sync: height % 3 === 0 });
    state.absorb(overlay);
    parent = block;
    genesis ??= block;
  }
  return genesis as FinalBlock['block'];
}

const optionsOf = (block: FinalBlock['block']) => ({
  network,
  genesis: { block, validators },
  epochBlocks: EPOCH_BLOCKS,
  execute,
});

async function filled(blocks = 11) {
  const store = new MemoryStore();
  const options = optionsOf(await fill(store, blocks));
  const damage = async () => (await verifyChain(options, { store, suite })).damage.map(({ key }) => key);
  return { store, options, damage };
}

describe('verifyChain', () => {
  it('finds nothing in a chain that is as it was written', async () => {
    const { store, options } = await filled();
    expect(await verifyChain(options, { store, suite })).toEqual({ height: 10, from: 1, executed: true, damage: [] });
    const empty = new MemoryStore();
    expect(await verifyChain(options, { store: empty, suite })).toMatchObject({ height: null, damage: [] });
  });

  it('names the key of any bit that flips in any value, and of any key that is gone', async () => {
    const { store, damage } = await filled();
    const all: [string, Uint8Array][] = [];
    for await (const entry of store.entries({ from: '!', to: '~' })) all.push([...entry]);
    const pick = fc.constantFrom(...all).chain(([key, value]) => fc.tuple(fc.constant(key), fc.nat(value.length * 8)));
    await fc.assert(
      fc.asyncProperty(pick, async ([key, bit]) => {
        const value = store.get(key) as Uint8Array;
        const flipped = new Uint8Array(value);
        const at = bit >> 3;
        if (at < value.length) flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7));
        await store.write([{ key, value: at < value.length ? flipped : null }], { sync: true });
        const found = await damage();
        await store.write([{ key, value }], { sync: true });
        expect(found).toContain(key);
      }),
      { numRuns: 60 },
    );
  });

  it('finds what is too much', async () => {
    const { store, damage } = await filled();
    const value = new Uint8Array();
    for (const key of ['i/t/other/000000000002/00001', 'r/00', 'x/00', 's/more', 't/0123', 'b/000000000011', 'z']) {
      await store.write([{ key, value }], { sync: true });
      expect(await damage()).toEqual([key]);
      await store.write([{ key, value: null }], { sync: true });
    }
  });

  it('finds a state root that the records do not lead to, signed as it is', async () => {
    const { store, options } = await filled();
    const other: ExecuteBlock = (state, block, records, parent) =>
      execute(state, block, block.header.height === 5 ? records.slice(1) : records, parent);
    const { damage } = await verifyChain({ ...options, execute: other }, { store, suite });
    expect(damage[0]).toMatchObject({ key: 'b/000000000005', what: expect.stringMatching(/state root/) });
  });

  it('a pruned chain is checked as far as it is there', async () => {
    const { store, options, damage } = await filled();
    await store.write(pruneWrites(store, suite, { below: 7, limit: 100 }), { sync: true });
    expect(await verifyChain(options, { store, suite })).toEqual({ height: 10, from: 7, executed: false, damage: [] });
    await store.write([{ key: 's/height', value: new Uint8Array([77]) }], { sync: true });
    expect(await damage()).toContain('b/000000000010');
  });

  it('stops at a bound, and when it is told to', async () => {
    const { store, options } = await filled();
    for await (const [key] of store.entries({ from: 'r/', to: 'r0' })) {
      await store.write([{ key, value: new Uint8Array([1]) }], { sync: true });
    }
    expect((await verifyChain({ ...options, limit: 3 }, { store, suite })).damage).toHaveLength(3);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(verifyChain({ ...options, signal }, { store, suite })).rejects.toThrow('enough');
  });
});

it('a bit that flips anywhere in the data directory is found, and its file or key named', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'blyan-verify-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  // So small a buffer that there are tables.
  const first = await LevelStore.open({ dir, writeBufferBytes: 65_536 });
  const options = optionsOf(await fill(first, 11));
  await first.close();
  await (await LevelStore.open({ dir })).close();
  const names = (await readdir(dir)).filter((name) => !/^LO(?:G|CK)/.test(name));
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), async (pick, at) => {
      const path = join(dir, names[pick % names.length] as string);
      const bytes = await readFile(path);
      if (bytes.length === 0) return;
      const bit = at % (bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      await writeFile(path, bytes);
      const found = (await checkLevelFiles(dir)).map(({ file }) => join(dir, file));
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      await writeFile(path, bytes);
      expect(found).toEqual([path]);
    }),
    { numRuns: 40 },
  );
  const again = await LevelStore.open({ dir });
  onTestFinished(() => again.close());
  expect((await verifyChain(options, { store: again, suite })).damage).toEqual([]);
});
