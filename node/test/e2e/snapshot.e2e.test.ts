import { join } from 'node:path';
import { pruneWrites, SnapshotShelf, type SnapshotSource } from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { type KeyValueStore, silentLogger } from '@blyan/interface';
import { generateIdentity, Link, type P2pHost } from '@blyan/p2p';
import { EPOCH_BLOCKS } from '@blyan/params';
import { FileBlobs, LevelStore, MemoryStore } from '@blyan/store';
import { GrownChain } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeManifest, encodeManifest } from '../../../packages/chain/src/snapshot/manifest.ts';
import { provisionNode } from '../../src/devnet/provision-node.ts';
import { cli } from '../test-context.ts';
import { Bench, type Daemon } from './daemon.ts';
import { snapshotPeer, validatorPeer } from './snapshot-peers.ts';

/** So that the first epoch is one long over: the age that a daemon still takes, and two more. */
const EPOCHS = 6;
const CHUNK_BYTES = 4_096;
const KEPT_CHUNKS = 10;
const BEGUN = /the chain begins from a snapshot of peers/;

const stack = new AsyncDisposableStack();
let bench: Bench;
let chain: GrownChain;
/** The key that validates. */
let seed: Uint8Array;
let shelf: SnapshotShelf;
let staleShelf: SnapshotShelf;
let validator: P2pHost;
/** What the validator's peers get: the shelf's, unless a test puts something before it. */
let beforeChunk: (index: number) => Promise<void> = async () => undefined;

beforeAll(async () => {
  bench = stack.use(await Bench.create());
  const store = new MemoryStore();
  const identity = await generateIdentity();
  seed = identity.privateKey.raw.subarray(0, 32);
  chain = await growing(store);
  const shelfAt = (name: string) => {
    const blobs = new FileBlobs(bench.folder(name));
    const options = { network: chain.genesis.hash, epochBlocks: EPOCH_BLOCKS, chunkBytes: CHUNK_BYTES };
    return new SnapshotShelf(options, { store, blobs, suite: nodeSuite });
  };
  shelf = shelfAt('snapshots');
  staleShelf = shelfAt('stale');
  await chain.grow(EPOCH_BLOCKS, 0);
  await staleShelf.take(store.snapshot());
  await chain.grow((EPOCHS - 1) * EPOCH_BLOCKS - 1, 0);
  await chain.grow(1, 100);
  await shelf.take(store.snapshot());
  await chain.grow(3, 2);
  const below = (EPOCHS - 1) * EPOCH_BLOCKS;
  await store.write(pruneWrites(store, nodeSuite, { below, limit: below }), { sync: true });
  const { peer, service } = await validatorPeer(chain, store, identity, {
    manifest: () => shelf.manifest(),
    chunk: async (height, index) => {
      await beforeChunk(index);
      return await shelf.chunk(height, index);
    },
    epochEnds: (from) => shelf.epochEnds(from),
  });
  stack.use(peer);
  stack.defer(() => service.stop());
  validator = peer.host;
});
afterAll(() => stack.disposeAsync());

/** The same chain on every store, as far as it is grown. */
function growing(store: KeyValueStore): Promise<GrownChain> {
  return GrownChain.open(store, { validators: [seed], accounts: 100 });
}

/** A daemon with the whole model and nothing of the chain but its genesis. */
async function provision(name: string): Promise<void> {
  const supplies = { host: 'all', source: bench.source, genesis: chain.genesis.bytes };
  const { signal } = new AbortController();
  await provisionNode(bench.folder(name), supplies, { logger: silentLogger, signal, pid: process.pid });
}

function launch(name: string, bootstrap: readonly string[]): Daemon {
  return bench.launch(name, { host: 'all', bootstrap, gateway: true, args: ['--log-level', 'debug'] });
}

const addressOf = (host: P2pHost) => host.addresses()[0] as string;

async function reachesHead(daemon: Daemon): Promise<void> {
  const height = async () => (await daemon.request<{ height: number }>('/api/v1/chain/head')).body.height;
  await expect.poll(height, { timeout: 30_000 }).toBeGreaterThanOrEqual(chain.head.header.height);
}

/** What a peer gives that has the shelf's snapshot, but for one thing. */
function liar(lie: Partial<SnapshotSource>): SnapshotSource {
  return {
    manifest: lie.manifest ?? (() => shelf.manifest()),
    chunk: lie.chunk ?? ((height, index) => shelf.chunk(height, index)),
    epochEnds: (from) => shelf.epochEnds(from),
  };
}

async function manifestWith(change: (manifest: ReturnType<typeof decodeManifest>) => object): Promise<Uint8Array> {
  const manifest = decodeManifest((await shelf.manifest()) as Uint8Array, nodeSuite);
  return encodeManifest({ ...manifest, ...change(manifest) });
}

test('what test peers serve wrongly is refused with a code, and another peer is asked', async () => {
  const other = 'cd'.repeat(32);
  const lies: Record<string, SnapshotSource> = {
    ERR_SNAPSHOT_CHUNK: liar({ chunk: async () => new Uint8Array(CHUNK_BYTES) }),
    ERR_SNAPSHOT_QUORUM: liar({
      manifest: () => manifestWith(({ block }) => ({ certificate: chain.certify(block, 0) })),
    }),
    ERR_SNAPSHOT_NETWORK: liar({ manifest: () => manifestWith(() => ({ network: other })) }),
    ERR_SNAPSHOT_STALE: liar({ manifest: () => staleShelf.manifest() }),
  };
  const liars: string[] = [];
  for (const source of Object.values(lies)) {
    liars.push(addressOf(stack.use(await snapshotPeer(chain, source)).host));
  }
  // The honest one is there only when all of them were refused.
  const [, ip, , port, ...rest] = addressOf(validator).slice(1).split('/');
  const link = new Link({ targetHost: ip as string, targetPort: Number(port) });
  await link.listen();
  stack.defer(() => link.close());
  link.stall();
  // It has a chain, whose next block nobody has any more.
  await provision('lied-to');
  const own = await LevelStore.open({ dir: join(bench.folder('lied-to'), 'chain') });
  await (await growing(own)).grow(3, 0);
  await own.close();
  const daemon = launch('lied-to', [...liars, `/ip4/127.0.0.1/tcp/${link.port}/${rest.join('/')}`]);
  for (const code of Object.keys(lies)) {
    await daemon.program.hears(new RegExp(`"code":"${code}".*a snapshot was refused`));
  }
  link.resume();
  const begun = JSON.parse(await daemon.program.hears(BEGUN));
  expect(begun).toMatchObject({ height: EPOCHS * EPOCH_BLOCKS, resumed: 0 });
  await daemon.untilReady();
  await reachesHead(daemon);
});

test('a daemon that is killed in the middle of the download goes on with the chunks it lacks', async () => {
  const asked: number[] = [];
  const stuck = Promise.withResolvers<void>();
  const ever = Promise.withResolvers<void>();
  beforeChunk = async (index) => {
    asked.push(index);
    if (asked.length === KEPT_CHUNKS + 2) stuck.resolve();
    if (asked.length > KEPT_CHUNKS) await ever.promise;
  };
  await provision('joined');
  const killed = launch('joined', [addressOf(validator)]);
  // A daemon asks for a chunk when one that it had asked for is on its disk.
  await stuck.promise;
  killed.program.kill('SIGKILL');
  await killed.program.exited;
  const missing = asked.splice(0).slice(KEPT_CHUNKS);
  beforeChunk = async (index) => void asked.push(index);
  ever.resolve();

  const daemon = launch('joined', [addressOf(validator)]);
  const begun = JSON.parse(await daemon.program.hears(BEGUN));
  expect(begun).toMatchObject({ height: EPOCHS * EPOCH_BLOCKS, resumed: KEPT_CHUNKS });
  expect(asked).toHaveLength(begun.chunks - KEPT_CHUNKS);
  expect(asked).toEqual(expect.arrayContaining(missing));
  await daemon.untilReady();
  await reachesHead(daemon);

  await daemon.program.stop();
  const verified = await cli(['chain', 'verify', '--data-dir', bench.folder('joined')]);
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`records are here from block ${EPOCHS * EPOCH_BLOCKS + 1} on`),
  });
  const file = join(bench.path, 'chain.bin');
  const exported = await cli(['chain', 'export', file, '--data-dir', bench.folder('joined')]);
  expect(exported).toMatchObject({ code: 1, stderr: expect.stringContaining('Block 1 is not here whole') });
});
