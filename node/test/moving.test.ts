import { silentLogger, systemClock } from '@blyan/interface';
import { type BlockRef, importCheckpoint, type ModelManifest } from '@blyan/model';
import { BlockExchange, generateIdentity, P2pHost } from '@blyan/p2p';
import { bitmapOf, evenDemand, indicesOf, type NodeView, parseHostSpec, resolveHostSpec } from '@blyan/routing';
import { BlockStore } from '@blyan/store';
import { goldenDir, temporaryDirectory } from '@blyan/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HostedBlocks } from '../src/daemon/hosted-blocks.ts';
import { Rebalancer, ROUND_MS, untilTurn } from '../src/daemon/rebalancer.ts';

const scope: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of scope.splice(0).reverse()) await undo();
});

/** A store and an exchange behind a host of their own. */
async function startNode() {
  const dir = await temporaryDirectory();
  scope.push(async () => await dir[Symbol.asyncDispose]());
  const store = new BlockStore({ dir: `${dir.path}/blocks` }, { logger: silentLogger });
  await store.start();
  scope.push(() => store.stop());
  const { privateKey } = await generateIdentity();
  const options = {
    privateKey,
    networkId: 'ab'.repeat(32),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    mdns: false,
  };
  const host = new P2pHost(options, { logger: silentLogger, clock: systemClock });
  const exchange = new BlockExchange({ partialDir: `${dir.path}/partial` }, { host, store, logger: silentLogger });
  await host.start();
  scope.push(() => host.stop());
  return { dir: `${dir.path}/blocks`, store, host, exchange };
}

function viewOf(
  peerId: string,
  manifest: ModelManifest,
  blocks: readonly number[],
  more: Partial<NodeView> = {},
): NodeView {
  return {
    v: 1,
    peerId,
    publicKey: new Uint8Array(32),
    addresses: [],
    sequence: 1,
    issuedAtMs: 0,
    ttlMs: 20_000,
    version: '0.1.0',
    tier: 0,
    profile: 'cpu',
    host: 'all',
    models: [{ root: manifest.root, blocks: bitmapOf(blocks, manifest.blocks.length) }],
    measured: { stepUs: 0, trunkUs: 0, expertUs: 0, headUs: 0, prefillRowUs: 0, bandwidthMBps: 0, messageUs: 0 },
    active: 0,
    queued: 0,
    freeKvBytes: 0,
    gateway: false,
    reachable: true,
    self: false,
    rttMs: 1,
    ...more,
  };
}

let source: Awaited<ReturnType<typeof startNode>>;
let manifest: ModelManifest;
beforeEach(async () => {
  source = await startNode();
  const { store } = source;
  const { root, manifest: body } = await importCheckpoint({
    dir: goldenDir('mixtral'),
    store,
    name: 'mixtral',
    dtype: 'f32',
  });
  manifest = { ...body, root };
});

const specBlocks = (spec: string) => {
  const parsed = parseHostSpec(spec, manifest.spec);
  return parsed.kind === 'auto' ? [] : resolveHostSpec(parsed, manifest);
};

async function startHosted(spec: string) {
  const node = await startNode();
  await node.host.dial(source.host.addresses()[0] as string);
  const all = specBlocks('all');
  const others = () => [viewOf(source.host.peerId, manifest, all)];
  const hosted = new HostedBlocks(
    manifest,
    { host: spec, blocksDir: node.dir, joins: true },
    {
      store: node.store,
      exchange: node.exchange,
      views: others,
      nextNews: async () => false,
      demand: () => evenDemand(manifest.spec),
      logger: silentLogger,
    },
  );
  scope.push(() => hosted.stop());
  await hosted.start(new AbortController().signal);
  const bits = () => indicesOf(hosted.bitmap(), manifest.blocks.length);
  const stored = (index: number) => node.store.has((manifest.blocks[index] as BlockRef).root);
  return { ...node, hosted, bits, stored };
}

const { signal } = new AbortController();

describe('a move', () => {
  test('fetches and announces what is new before it takes back what leaves, which stays for a while', async () => {
    const node = await startHosted('experts:0.0');
    const [old] = specBlocks('experts:0.0') as [number];
    const [young] = specBlocks('experts:1.2') as [number];
    const announced: number[][] = [];
    node.hosted.on('change', () => announced.push(node.bits()));
    expect(await node.hosted.move({ add: [young], drop: [old] }, signal)).toBe(true);
    expect(announced).toEqual([[old, young], [young]]);
    await node.hosted.release(() => false);
    expect(node.stored(old)).toBe(true);
    expect(node.store.pinned()).toContain((manifest.blocks[old] as BlockRef).root);
    await node.hosted.release(({ layer }) => layer === 0, 0);
    expect(node.stored(old)).toBe(true);
    // And back again, without anything being fetched.
    await source.host.stop();
    expect(await node.hosted.move({ add: [old], drop: [] }, signal)).toBe(true);
    expect(node.bits()).toEqual([old, young]);
    expect(await node.hosted.move({ add: [], drop: [old] }, signal)).toBe(true);
    await node.hosted.release(() => false, 0);
    expect(node.stored(old)).toBe(false);
    expect(node.stored(young)).toBe(true);
    expect(node.bits()).toEqual([young]);
  });

  test('that cannot be made leaves everything as it was', async () => {
    const node = await startHosted('experts:0.0');
    const before = node.bits();
    await source.host.stop();
    expect(await node.hosted.move({ add: specBlocks('experts:1.0-2'), drop: before }, signal)).toBe(false);
    expect(node.bits()).toEqual(before);
    expect(node.hosted.missing()).toEqual([]);
  });
});

describe('a turn', () => {
  test('moves a node that places itself to what few have, within a round', async () => {
    const node = await startHosted('experts:0.0');
    const all = specBlocks('all');
    const views = () => [
      viewOf(node.host.peerId, manifest, node.bits(), { self: true, host: 'auto' }),
      viewOf(source.host.peerId, manifest, all),
    ];
    const rebalancer = new Rebalancer({
      self: node.host.peerId,
      hosted: node.hosted,
      views,
      demand: () => evenDemand(manifest.spec),
      inUse: () => false,
      clock: { nowMs: () => 7 * ROUND_MS },
      logger: silentLogger,
    });
    scope.push(() => rebalancer.stop());
    const moves = await rebalancer.turn();
    expect(moves?.drop).toEqual([]);
    expect(node.bits()).toEqual(all);
    expect(await rebalancer.turn()).toBeNull();
  });

  test('comes in the middle of a round', () => {
    for (const random of [0, 0.5, 0.999]) {
      for (const now of [0, 1_000, 50_000, 100_000, 119_999]) {
        for (const thisRound of [true, false]) {
          const at = now + untilTurn(now, thisRound, () => random);
          expect(at).toBeGreaterThanOrEqual(now);
          expect((at % ROUND_MS) / ROUND_MS).toBeGreaterThanOrEqual(0.199);
          expect((at % ROUND_MS) / ROUND_MS).toBeLessThanOrEqual(0.801);
          if (!thisRound) expect(Math.floor(at / ROUND_MS)).toBe(1);
        }
      }
    }
    expect(untilTurn(ROUND_MS / 2, true, () => 0)).toBe(0);
  });
});
