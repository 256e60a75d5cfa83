import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Root, silentLogger } from '@blyan/interface';
import { BlockStore } from '@blyan/store';
import { BlockFile, SUBTILE_BYTES, TensorBlockWriter } from '@blyan/tensorblock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeTileRequest, encodeTile } from '../src/block-wire.ts';
import { BlockExchange, type P2pHost, type PeerFault } from '../src/index.ts';
import { connectHosts, startHost } from './support.ts';

const MIB = 1024 * 1024;
const TENSOR_BYTES = 21 * MIB;
let dir: string;
const hosts: P2pHost[] = [];
const stores: BlockStore[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'blyan-blocks-'));
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
  await Promise.all(stores.splice(0).map((store) => store.stop()));
  await rm(dir, { recursive: true, force: true });
});

interface TestNode {
  readonly host: P2pHost;
  readonly store: BlockStore;
  readonly exchange: BlockExchange;
  readonly partialDir: string;
}

async function openStore(name: string): Promise<BlockStore> {
  const store = new BlockStore({ dir: join(dir, name, 'blocks') }, { logger: silentLogger });
  await store.start();
  stores.push(store);
  return store;
}

async function startNode(name: string, store?: BlockStore): Promise<TestNode> {
  const host = await startHost();
  hosts.push(host);
  const opened = store ?? (await openStore(name));
  const partialDir = join(dir, name, 'partial');
  const exchange = new BlockExchange({ partialDir }, { host, store: opened, logger: silentLogger });
  return { host, store: opened, exchange, partialDir };
}

/** One block of 21 MiB: six tiles, the last one short. */
async function addBlock(store: BlockStore): Promise<Root> {
  const path = store.tempPath();
  const tensors = [{ name: 'gate_proj', dtype: 'u8' as const, shape: [TENSOR_BYTES] }];
  const writer = await TensorBlockWriter.create(path, { kind: 'expert', layer: 0, expert: 3 }, tensors);
  const chunk = Uint8Array.from({ length: MIB }, (_, i) => (i * 31) >> 3);
  for (let i = 0; i < TENSOR_BYTES / MIB; i++) {
    chunk[i] = i;
    await writer.write('gate_proj', chunk);
  }
  const { root } = await writer.finish();
  await store.admit(path, root);
  return root;
}

/** A host that offers the blocks of a store with one byte of one subtile flipped. */
async function startLiar(store: BlockStore, subtile: number): Promise<P2pHost> {
  const host = await startHost();
  hosts.push(host);
  const protocol = host.protocol('blocks', 1, { maxFrameBytes: 16 * 1024 * 1024 });
  protocol.handle('stat', { request: z.object({ root: z.string() }) }, async ({ root }) => {
    await using file = await BlockFile.open(store.pathOf(root));
    return { byteLength: file.geometry.byteLength };
  });
  protocol.handleRawCall('tile', async (body) => {
    const { root, tile } = decodeTileRequest(body);
    await using file = await BlockFile.open(store.pathOf(root));
    const bytes = await file.readTile(tile);
    const { treeOffset, leafCount } = file.geometry;
    const leaves = await file.read(treeOffset + tile * 512, Math.min(16, leafCount - tile * 16) * 32);
    const at = subtile * SUBTILE_BYTES - tile * 16 * SUBTILE_BYTES + 5;
    if (at >= 0 && at < bytes.byteLength) bytes[at] = (bytes[at] as number) ^ 1;
    return encodeTile({ siblings: await file.proveTile(tile), leaves, bytes });
  });
  return host;
}

describe('BlockExchange', () => {
  it('fetches from two peers, drops the one that lies and names what it sent', async () => {
    const source = await startNode('source');
    const root = await addBlock(source.store);
    const liar = await startLiar(source.store, 37);
    const reader = await startNode('reader');
    await Promise.all([connectHosts(reader.host, source.host), connectHosts(reader.host, liar)]);
    const faults: PeerFault[] = [];
    const progress: number[] = [];
    await reader.exchange.fetch(root, {
      peers: [liar.peerId, source.host.peerId],
      onFault: (fault) => faults.push(fault),
      onProgress: ({ doneBytes, totalBytes }) => progress.push(doneBytes / totalBytes),
    });
    expect(reader.store.has(root)).toBe(true);
    await reader.store.acquire(root);
    expect(progress.at(-1)).toBe(1);
    for (const fault of faults) {
      expect(fault).toMatchObject({ peerId: liar.peerId, subtile: 37, error: { code: 'ERR_P2P_BLOCK_CORRUPT' } });
    }
    expect(await readdir(reader.partialDir)).toEqual([]);
  });

  it('is not put off by peers who say that the block is larger than the disk', async () => {
    const source = await startNode('source');
    const root = await addBlock(source.store);
    const reader = await startNode('reader');
    const boasters = [await startHost(), await startHost()];
    hosts.push(...boasters);
    for (const host of boasters)
      host.protocol('blocks', 1).handle('stat', { request: z.unknown() }, async () => ({ byteLength: 2 ** 52 }));
    await Promise.all([source.host, ...boasters].map((host) => connectHosts(reader.host, host)));
    const ids = boasters.map(({ peerId }) => peerId);
    const none = reader.exchange.fetch(root, { peers: ids });
    await expect(none).rejects.toMatchObject({ code: 'ERR_STORE_DISK_FULL' });
    await reader.exchange.fetch(root, { peers: [...ids, source.host.peerId] });
    await reader.store.acquire(root);
  });

  it('names root, subtile and peer when nobody else has the block, and keeps nothing of the lie', async () => {
    const source = await startNode('source');
    const root = await addBlock(source.store);
    const liar = await startLiar(source.store, 2);
    const reader = await startNode('reader');
    await connectHosts(reader.host, liar);
    await expect(reader.exchange.fetch(root, { peers: [liar.peerId] })).rejects.toMatchObject({
      code: 'ERR_P2P_BLOCK_CORRUPT',
      kind: 'peer',
      meta: { root, subtile: 2, peerId: liar.peerId },
    });
    expect(reader.store.has(root)).toBe(false);
    const left = await readdir(join(dir, 'reader', 'blocks'));
    expect(left.filter((name) => name.includes('tmp') || name.includes(root))).toEqual([]);
  });

  it('resumes after a break with what had been proven, even damaged in between', async () => {
    const source = await startNode('source');
    const root = await addBlock(source.store);
    const reader = await startNode('reader');
    await connectHosts(reader.host, source.host);
    const stop = new AbortController();
    const first = reader.exchange.fetch(root, {
      peers: [source.host.peerId],
      signal: stop.signal,
      onProgress: ({ doneBytes }) => {
        if (doneBytes > 8 * MIB) stop.abort(new Error('break'));
      },
    });
    await expect(first).rejects.toThrow('break');
    expect((await readdir(reader.partialDir)).sort()).toEqual([`${root}.part`, `${root}.proofs`]);
    await reader.host.stop();
    const part = await open(join(reader.partialDir, `${root}.part`), 'r+');
    await part.write(new Uint8Array([0x5a]), 0, 1, 17);
    await part.close();

    const again = await startNode('reader', reader.store);
    await connectHosts(again.host, source.host);
    let fetched = 0;
    await again.exchange.fetch(root, { peers: [source.host.peerId], onProgress: () => fetched++ });
    // Of the six tiles at least three had been proven, one of them no longer is.
    expect(fetched).toBeGreaterThan(0);
    expect(fetched).toBeLessThanOrEqual(4);
    await again.store.acquire(root);
    expect(await readdir(again.partialDir)).toEqual([]);
  });

  it('says that no peer has the block, and shares one fetch between callers', async () => {
    const source = await startNode('source');
    const reader = await startNode('reader');
    await connectHosts(reader.host, source.host);
    const peers = [source.host.peerId];
    await expect(reader.exchange.fetch('0a'.repeat(32), { peers })).rejects.toMatchObject({
      code: 'ERR_P2P_BLOCK_UNAVAILABLE',
      meta: { reasons: [`${source.host.peerId}: ERR_P2P_BLOCK_UNAVAILABLE`] },
    });
    const root = await addBlock(source.store);
    let tiles = 0;
    const fetch = (): Promise<void> => reader.exchange.fetch(root, { peers, onProgress: () => tiles++ });
    await Promise.all([fetch(), fetch(), fetch()]);
    expect(tiles).toBe(6);
  });
});
