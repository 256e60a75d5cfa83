import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Root, silentLogger } from '@blyan/interface';
import { BlockExchange, decodeInvite, encodeInvite, GenesisExchange } from '@blyan/p2p';
import type { BlockStore } from '@blyan/store';
import { type Bench, flipByte } from './daemon.ts';
import { TestPeer } from './peer.ts';

export interface LyingPeer extends AsyncDisposable {
  readonly peerId: string;
  /** To the network of the others, by way of the liar alone. */
  readonly invite: string;
}

/** A member that says it hosts the whole model and hands one block out with a flipped byte, unverified. */
export async function lyingPeer(bench: Bench, label: string, invite: string): Promise<LyingPeer> {
  const dir = bench.folder(`liar-${label.replace(':', '-')}`);
  const origin = bench.source.blocksDir;
  const damaged = `${dir}.tb`;
  await copyFile(join(origin, `${bench.rootOf(label)}.tb`), damaged);
  await flipByte(damaged, 70_000);
  const stored = new Set((await readdir(origin)).map((name) => name.replace('.tb', '')));
  const pathOf = (root: Root) => (root === bench.rootOf(label) ? damaged : join(origin, `${root}.tb`));
  // What a store does for the exchange, without ever looking at the bytes.
  const careless = {
    has: (root: Root) => stored.has(root),
    pathOf,
    acquire: async (root: Root) => ({ path: pathOf(root) }),
  };

  const peer = await TestPeer.ofInvite(invite);
  const { host } = peer;
  new BlockExchange(
    { partialDir: `${dir}-partial` },
    { host, store: careless as unknown as BlockStore, logger: silentLogger },
  );
  new GenesisExchange(host, bench.genesis);
  await peer.join();
  const { blocks, root } = bench.manifest;
  peer.records.publish({
    version: 'liar',
    tier: 0,
    profile: 'liar',
    host: 'all',
    models: [{ root, blocks: new Uint8Array(Math.ceil(blocks.length / 8)).fill(255) }],
    measured: { stepUs: 0, trunkUs: 0, expertUs: 0, headUs: 0, prefillRowUs: 0, bandwidthMBps: 0, messageUs: 0 },
    active: 0,
    queued: 0,
    freeKvBytes: 0,
    gateway: false,
  });
  const own = encodeInvite({ ...decodeInvite(invite), addresses: host.addresses() });
  return { peerId: host.peerId, invite: own, [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() };
}
