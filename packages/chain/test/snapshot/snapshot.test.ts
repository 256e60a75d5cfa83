import type { KeyValueReader, KeyValueStore } from '@blyan/interface';
import { silentLogger } from '@blyan/interface';
import { MemoryStore } from '@blyan/store';
import { describe, expect, it } from 'vitest';
import { BlockRepository, type SnapshotShelf, type SnapshotSource, SnapshotSync } from '../../src/index.ts';
import { decodeManifest, encodeManifest } from '../../src/snapshot/manifest.ts';
import { certify, EPOCH_BLOCKS, NETWORK, shelfOf, suite, TestChain, TestPeers, tempBlobs } from './fixture.ts';

const signal = new AbortController().signal;

async function entries(store: KeyValueReader, prefix: string): Promise<[string, number[]][]> {
  const found: [string, number[]][] = [];
  for await (const [key, value] of store.entries({ from: `${prefix}/`, to: `${prefix}0` }))
    found.push([key, [...value]]);
  return found;
}

/** A chain of ten blocks with a snapshot of the eighth, each value so long that it takes several chunks. */
async function served(valueBytes = 40): Promise<{ chain: TestChain; shelf: SnapshotShelf }> {
  const chain = await TestChain.create();
  await chain.grow(2 * EPOCH_BLOCKS, valueBytes);
  const shelf = await shelfOf(chain);
  await shelf.take(chain.store.snapshot());
  return { chain, shelf };
}

async function join(chain: TestChain, sources: Record<string, SnapshotSource>, more: { aboveHeight?: number } = {}) {
  const peers = new TestPeers(sources);
  const store: KeyValueStore = new MemoryStore();
  const { genesis } = chain;
  const options = { network: NETWORK, genesis, epochBlocks: EPOCH_BLOCKS, ...more };
  const deps = { store, blobs: await tempBlobs(), peers, suite, logger: silentLogger };
  return { peers, store, deps, sync: new SnapshotSync(options, deps), again: () => new SnapshotSync(options, deps) };
}

/** A peer that gives what another one has, but for one thing. */
function liar(shelf: SnapshotSource, lie: Partial<SnapshotSource>): SnapshotSource {
  return {
    manifest: lie.manifest ?? (() => shelf.manifest()),
    chunk: lie.chunk ?? ((height, index) => shelf.chunk(height, index)),
    epochEnds: lie.epochEnds ?? ((from) => shelf.epochEnds(from)),
  };
}

describe('taking', () => {
  it('goes on while blocks are committed, and holds what was there when it began', async () => {
    const chain = await TestChain.create();
    await chain.grow(EPOCH_BLOCKS);
    const shelf = await shelfOf(chain);
    const state = await entries(chain.store, 's');
    const taking = shelf.take(chain.store.snapshot());
    await chain.grow(3);
    expect(await taking).toBe(EPOCH_BLOCKS);
    const { sync, store } = await join(chain, { a: shelf });
    await sync.run(signal);
    expect(await entries(store, 's')).toEqual(state);
  });

  it('keeps the newest two', async () => {
    const { chain, shelf } = await served();
    for (let epoch = 0; epoch < 2; epoch++) {
      await chain.grow(EPOCH_BLOCKS);
      await shelf.take(chain.store.snapshot());
    }
    expect(await shelf.heights()).toEqual([12, 16]);
    expect(await shelf.chunk(8, 0)).toBeNull();
    expect(await shelf.chunk(12, 0)).not.toBeNull();
  });

  it('is for the last block of an epoch', async () => {
    const { chain, shelf } = await served();
    await chain.grow(1);
    await expect(shelf.take(chain.store.snapshot())).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_HEAD' });
  });

  it('two nodes take the same snapshot, whoever signed under theirs', async () => {
    const { chain, shelf } = await served();
    const other = await shelfOf(chain);
    await other.take(chain.store.snapshot());
    expect(await other.manifest()).toEqual(await shelf.manifest());
    expect(await other.chunk(8, 0)).toEqual(await shelf.chunk(8, 0));
  });
});

describe('joining', () => {
  it('gives the state, head, ends of epochs and the places of the last records', async () => {
    const { chain, shelf } = await served();
    const { sync, store, peers } = await join(chain, { a: shelf, b: shelf });
    expect(await sync.run(signal)).toMatchObject({ height: 8, resumed: 0 });
    for (const prefix of ['s', 't', 'e', 'v']) {
      expect(await entries(store, prefix)).toEqual(await entries(chain.store, prefix));
    }
    const repository = new BlockRepository(store, suite);
    expect(repository.head()).toEqual({ height: 8, hash: chain.head.hash });
    expect(repository.blockAt(0)?.block).toEqual(chain.genesis.block);
    expect(repository.certificateFor(5)?.block).toBe(chain.head.hash);
    expect(repository.placeOf(chain.head.recordHashes[0] as string)).toEqual({ height: 8, index: 0 });
    expect(repository.prunedBelow()).toBe(5);
    expect(() => repository.blockAt(4)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_PRUNED' }));
    expect(peers.penalties).toEqual([]);
  });

  it('fetches from several peers at once, and goes on after a break with what is missing', async () => {
    const { chain, shelf } = await served(100_000);
    const chunks = decodeManifest((await shelf.manifest()) as Uint8Array, suite).chunkHashes.length;
    expect(chunks).toBeGreaterThan(3);
    const stopping = new AbortController();
    const stops = liar(shelf, {
      chunk: async (height, index) => {
        if (index === chunks - 1) stopping.abort(new Error('pulled the plug'));
        return shelf.chunk(height, index);
      },
    });
    const { sync, again, peers, deps } = await join(chain, { a: stops, b: stops });
    await expect(sync.run(stopping.signal)).rejects.toThrow('pulled the plug');
    expect(new Set(peers.asked.map(([peer]) => peer))).toEqual(new Set(['a', 'b']));
    const kept = (await deps.blobs.names()).length;
    expect(kept).toBeGreaterThan(0);
    peers.asked.length = 0;
    expect(await again().run(signal)).toEqual({ height: 8, chunks, resumed: kept });
    expect(peers.asked).toHaveLength(chunks - kept);
    expect(await deps.blobs.names()).toEqual([]);
  });

  it('a chunk that the disk changed during a break is fetched again', async () => {
    const { chain, shelf } = await served();
    const { sync, again, deps } = await join(chain, { a: liar(shelf, {}) });
    const stop = AbortSignal.abort(new Error('stop'));
    await expect(sync.run(stop)).rejects.toThrow('stop');
    const manifest = decodeManifest((await shelf.manifest()) as Uint8Array, suite);
    const { snapshotId } = await import('../../src/snapshot/manifest.ts');
    await deps.blobs.put(`incoming-${snapshotId(manifest, suite)}.000000.chunk`, new Uint8Array([1]));
    expect(await again().run(signal)).toMatchObject({ resumed: 0, height: 8 });
  });

  it('a store that was left in the middle has no head, and the next try clears it', async () => {
    const { chain, shelf } = await served();
    const { sync, store } = await join(chain, { a: shelf });
    await store.write(
      [
        { key: 's/old', value: new Uint8Array([1]) },
        { key: 'c/vote', value: new Uint8Array([2]) },
        { key: 'b/000000000001', value: new Uint8Array([3]) },
      ],
      { sync: true },
    );
    await sync.run(signal);
    expect(store.get('s/old')).toBeUndefined();
    expect(store.get('b/000000000001')).toBeUndefined();
    expect(store.get('c/vote')).toEqual(new Uint8Array([2]));
  });
});

describe('refused, with a code that names the reason', () => {
  async function refusal(
    chain: TestChain,
    source: SnapshotSource,
    more: { aboveHeight?: number } = {},
  ): Promise<{ code: string; penalties: string[]; head: unknown }> {
    const { sync, peers, store } = await join(chain, { liar: source }, more);
    const error = await sync.run(signal).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'ERR_SNAPSHOT_NONE' });
    const { code } = (error as { cause: { code: string } }).cause;
    return { code, penalties: peers.penalties.map(([, why]) => why), head: new BlockRepository(store, suite).head() };
  }

  it('a bad chunk; another peer that has the right one is enough', async () => {
    const { chain, shelf } = await served();
    const bad = liar(shelf, {
      chunk: async (height, index) => {
        const bytes = (await shelf.chunk(height, index)) as Uint8Array;
        bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
        return bytes;
      },
    });
    const alone = await refusal(chain, bad);
    expect(alone.penalties).toEqual(['ERR_SNAPSHOT_CHUNK']);
    expect(alone.head).toBeNull();
    const { sync, peers } = await join(chain, { bad, good: shelf });
    expect(await sync.run(signal)).toMatchObject({ height: 8 });
    expect(peers.penalties.map(([peer]) => peer)).not.toContain('good');
  });

  it('a state other than the signed one, in chunks that fit their manifest', async () => {
    const { chain, shelf } = await served();
    const forged = await TestChain.create(chain.sets);
    await forged.grow(2 * EPOCH_BLOCKS, 41);
    const forgery = await shelfOf(forged);
    await forgery.take(forged.store.snapshot());
    const lies = decodeManifest((await forgery.manifest()) as Uint8Array, suite);
    const truth = decodeManifest((await shelf.manifest()) as Uint8Array, suite);
    const { chunkHash } = await import('../../src/snapshot/manifest.ts');
    const { cutChunks, decodeChunk } = await import('../../src/snapshot/chunk.ts');
    // The honest outlines, so that only the state is another.
    const honest = decodeChunk((await shelf.chunk(8, 0)) as Uint8Array).filter(([key]) => key.startsWith('b/'));
    const other = decodeChunk((await forgery.chunk(8, 0)) as Uint8Array).filter(([key]) => key.startsWith('s/'));
    expect(lies.chunkHashes).toHaveLength(1);
    const mixed = cutChunks(
      (async function* () {
        yield* [...honest, ...other];
      })(),
    );
    const chunks: Uint8Array[] = [];
    for await (const chunk of mixed) chunks.push(chunk);
    const manifest = encodeManifest({ ...truth, chunkHashes: chunks.map((chunk) => chunkHash(chunk, suite)) });
    const source = liar(shelf, { manifest: async () => manifest, chunk: async (_, index) => chunks[index] ?? null });
    expect(await refusal(chain, source)).toEqual({
      code: 'ERR_SNAPSHOT_STATE',
      penalties: ['ERR_SNAPSHOT_STATE'],
      head: null,
    });
  });

  it('a root signed by too few', async () => {
    const { chain, shelf } = await served();
    const manifest = decodeManifest((await shelf.manifest()) as Uint8Array, suite);
    const few = encodeManifest({ ...manifest, certificate: certify(manifest.block, chain.signers(1), 2) });
    const source = liar(shelf, { manifest: async () => few });
    expect(await refusal(chain, source)).toMatchObject({
      code: 'ERR_SNAPSHOT_QUORUM',
      penalties: ['ERR_SNAPSHOT_QUORUM'],
    });
    // It is the snapshot that an honest peer offers too, who does not answer for those signatures.
    const { sync, peers } = await join(chain, { liar: source, good: shelf });
    expect(await sync.run(signal)).toMatchObject({ height: 8 });
    expect(peers.penalties).toEqual([['liar', 'ERR_SNAPSHOT_QUORUM']]);
  });

  it('a block that validators of an earlier epoch signed', async () => {
    const { chain, shelf } = await served();
    await chain.grow(EPOCH_BLOCKS);
    await shelf.take(chain.store.snapshot());
    const manifest = decodeManifest((await shelf.manifest()) as Uint8Array, suite);
    const former = encodeManifest({ ...manifest, certificate: certify(manifest.block, chain.signers(0)) });
    const source = liar(shelf, { manifest: async () => former });
    expect(await refusal(chain, source)).toMatchObject({ code: 'ERR_SNAPSHOT_EPOCH' });
  });

  it('a snapshot of another chain', async () => {
    const chain = await TestChain.create();
    const other = await TestChain.create(chain.sets, 'cd'.repeat(32));
    await other.grow(EPOCH_BLOCKS);
    const shelf = await shelfOf(other);
    await shelf.take(other.store.snapshot());
    expect(await refusal(chain, shelf)).toMatchObject({
      code: 'ERR_SNAPSHOT_NETWORK',
      penalties: ['ERR_SNAPSHOT_NETWORK'],
    });
  });

  it('a snapshot of a stale epoch: long over, or not above the own head', async () => {
    const { chain, shelf } = await served();
    await chain.grow(3 * EPOCH_BLOCKS);
    expect(await refusal(chain, shelf)).toMatchObject({
      code: 'ERR_SNAPSHOT_STALE',
      penalties: ['ERR_SNAPSHOT_STALE'],
    });
    const young = await served();
    expect(await refusal(young.chain, young.shelf, { aboveHeight: 8 })).toMatchObject({ code: 'ERR_SNAPSHOT_STALE' });
  });

  it('an end of an epoch that is signed by too few, or left out', async () => {
    const { chain, shelf } = await served();
    await chain.grow(EPOCH_BLOCKS);
    await shelf.take(chain.store.snapshot());
    const skips = liar(shelf, { epochEnds: (from) => shelf.epochEnds(from + 1) });
    expect((await refusal(chain, skips)).penalties[0]).toBe('ERR_SNAPSHOT_EPOCH');
    const silent = liar(shelf, { epochEnds: () => [] });
    expect(await refusal(chain, silent)).toMatchObject({ code: 'ERR_SNAPSHOT_EPOCH' });
  });

  it('bytes that are no manifest', async () => {
    const { chain, shelf } = await served();
    const source = liar(shelf, { manifest: async () => new Uint8Array(100) });
    expect(await refusal(chain, source)).toMatchObject({ code: 'ERR_SNAPSHOT_MANIFEST' });
  });
});

it('without peers there is none', async () => {
  const chain = await TestChain.create();
  const { sync } = await join(chain, {});
  await expect(sync.run(signal)).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_NONE' });
});
