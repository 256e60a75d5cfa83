import { validatorSetHash } from '@blyan/chain-format';
import { MemoryStore } from '@blyan/store';
import { describe, expect, it } from 'vitest';
import {
  BlockRepository,
  type FinalBlock,
  finalBlockWrites,
  orphanWrites,
  pruneWrites,
  unfinalisedBlockWrites,
  validatorSetWrites,
} from '../../src/index.ts';
import { author, makeBlock, makeChain, makeRecord, suite, validators } from './fixture.ts';

const sync = { sync: true };
const EPOCH = { epochBlocks: 4 };

async function stored(chain: readonly FinalBlock[]) {
  const store = new MemoryStore();
  for (const block of chain) await store.write(finalBlockWrites(block, EPOCH), sync);
  return { store, repository: new BlockRepository(store, suite) };
}

const heights = (blocks: readonly { block: { header: { height: number } } }[]) =>
  blocks.map(({ block }) => block.header.height);

describe('final blocks', () => {
  const chain = makeChain(10, 3);
  const at = (height: number) => chain[height] as FinalBlock;

  it('are found by height and hash, records by hash with their place', async () => {
    const { repository } = await stored(chain);
    expect(repository.head()).toEqual({ height: 9, hash: at(9).block.hash });
    const { block, certificate } = at(7);
    expect(repository.blockAt(7)).toEqual({ block, certificate });
    expect(repository.blockOf(block.hash)).toEqual({ block, certificate });
    const record = at(7).records[2];
    expect(repository.placeOf(record?.hash as string)).toEqual({ height: 7, index: 2 });
    expect(repository.recordBytes(record?.hash as string)).toEqual(record?.bytes);
    expect(repository.blockAt(10)).toBeNull();
    expect(repository.blockOf('0'.repeat(64))).toBeNull();
    expect(repository.placeOf('0'.repeat(64))).toBeNull();
  });

  it('are listed from either end', async () => {
    const { repository } = await stored(chain);
    expect(heights(await repository.blocksBefore(5, 3))).toEqual([4, 3, 2]);
    expect(heights(await repository.blocksBefore(100, 2))).toEqual([9, 8]);
    expect(heights(await repository.blocksBefore(2, 9))).toEqual([1, 0]);
    expect(heights(await repository.blocksFrom(8, 9))).toEqual([8, 9]);
  });

  it('records are listed by author, type and dependency, the newest first, page by page', async () => {
    const { repository } = await stored(chain);
    const all = chain.flatMap(({ records }) => records.map(({ hash }) => hash)).reverse();
    const first = await repository.recordsOf({ by: 'author', author }, null, 20);
    const second = await repository.recordsOf({ by: 'author', author }, first.at(-1)?.place ?? null, 20);
    expect([...first, ...second].map(({ hash }) => hash)).toEqual(all);
    const nodes = await repository.recordsOf({ by: 'type', type: 'node' }, null, 100);
    expect(nodes.map(({ place }) => place)).toEqual(
      [9, 8, 7, 6, 5, 4, 3, 2, 1].map((height) => ({ height, index: 1 })),
    );
    const [dependency, dependant] = [at(3).records[2]?.hash as string, at(4).records[0]?.hash];
    expect(await repository.recordsOf({ by: 'dependency', dependency }, null, 9)).toEqual([
      { hash: dependant, place: { height: 4, index: 0 } },
    ]);
  });

  it('without a certificate of their own have that of the next block', async () => {
    const bare = chain.map((block, height) => (height % 3 === 0 ? block : { ...block, certificate: null }));
    const { repository } = await stored(bare);
    expect(repository.certificateFor(4)).toEqual(at(6).certificate);
    expect(repository.certificateFor(6)).toEqual(at(6).certificate);
    expect(repository.certificateFor(0)).toBeNull();
  });

  it('the ends of epochs are kept apart', async () => {
    const { repository } = await stored(chain);
    expect(repository.epochEnd(0)).toEqual({ header: at(4).block.header, certificate: at(4).certificate });
    expect(repository.epochEnd(1)?.header.height).toBe(8);
    expect(repository.epochEnd(2)).toBeNull();
  });
});

it('a validator set is found by its hash', async () => {
  const store = new MemoryStore();
  await store.write(validatorSetWrites(validators, suite), sync);
  const repository = new BlockRepository(store, suite);
  expect(repository.validatorSet(validatorSetHash(validators, suite))).toEqual(validators);
  expect(repository.validatorSet('0'.repeat(64))).toBeNull();
});

it('a block waits with its records until it is final or can never be', async () => {
  const { store, repository } = await stored(makeChain(2, 1));
  const head = repository.blockAt(1)?.block ?? null;
  const [shared, lost] = [makeRecord(1), makeRecord(2)];
  const [winner, orphan] = [makeBlock(head, [shared]), makeBlock(head, [shared, lost])];
  await store.write(unfinalisedBlockWrites(winner, [shared]), sync);
  await store.write(unfinalisedBlockWrites(orphan, [shared, lost]), sync);
  expect(repository.unfinalised(winner.hash)).toEqual(winner);
  expect((await repository.allUnfinalised()).map(({ hash }) => hash).sort()).toEqual([winner.hash, orphan.hash].sort());

  const final = finalBlockWrites({ block: winner, records: [shared], certificate: null }, { bodyStored: true });
  const gone = orphanWrites([orphan], (record) => winner.recordHashes.includes(record));
  await store.write([...final, ...gone], sync);
  expect(await repository.allUnfinalised()).toEqual([]);
  expect(repository.head()?.hash).toBe(winner.hash);
  expect(repository.recordBytes(shared.hash)).toEqual(shared.bytes);
  expect(repository.recordBytes(lost.hash)).toBeNull();
});

it('pruning removes old blocks with everything that leads to them, and keeps the ends of epochs', async () => {
  const chain = makeChain(14, 2);
  const { store, repository } = await stored(chain);
  for (;;) {
    const writes = pruneWrites(store, suite, { below: 11, limit: 4 });
    if (writes.length === 0) break;
    await store.write(writes, sync);
  }
  expect(repository.prunedBelow()).toBe(11);
  expect(() => repository.blockAt(10)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_PRUNED' }));
  expect(repository.blockAt(0)?.block.hash).toBe(chain[0]?.block.hash);
  expect(repository.epochEnd(1)?.header.height).toBe(8);
  expect(heights(await repository.blocksBefore(13, 9))).toEqual([12, 11, 0]);
  const left = await repository.recordsOf({ by: 'author', author }, null, 100);
  expect(left.map(({ place }) => place.height)).toEqual([13, 13, 12, 12, 11, 11]);

  // What is left is what a chain would have stored that began there.
  const kept = new MemoryStore();
  for (const block of chain)
    if (block.block.header.height % 11 === 0 || block.block.header.height > 11) {
      await kept.write(finalBlockWrites(block, EPOCH), sync);
    }
  const keys = async (from: MemoryStore) => {
    const found: string[] = [];
    for await (const [key] of from.entries({ from: '!', to: '~' })) if (!key.startsWith('e/')) found.push(key);
    return found;
  };
  expect((await keys(store)).filter((key) => key !== 'm/pruned')).toEqual(await keys(kept));
});

it('the head is never pruned', async () => {
  const { store, repository } = await stored(makeChain(4, 1));
  await store.write(pruneWrites(store, suite, { below: 100, limit: 100 }), sync);
  expect(repository.blockAt(3)?.block.header.height).toBe(3);
});

it('a damaged value is named by its key', async () => {
  const { store, repository } = await stored(makeChain(4, 1));
  const key = 'b/000000000002';
  const bytes = new Uint8Array(store.get(key) as Uint8Array);
  bytes[40] = (bytes[40] as number) ^ 4;
  await store.write([{ key, value: bytes }], sync);
  expect(() => repository.blockAt(2)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_STORED', meta: { key } }));
  await store.write([{ key, value: store.get('b/000000000003') ?? null }], sync);
  expect(() => repository.blockAt(2)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_STORED' }));
});
