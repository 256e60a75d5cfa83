import type { CryptoSuite } from '@blyan/chain-format';
import type { BlobStore, Hash } from '@blyan/interface';
import type { PeerKey } from '../replica/ports.ts';
import { chunkHash, type SnapshotManifest } from './manifest.ts';
import type { SnapshotPeers } from './ports.ts';
import { SnapshotError } from './snapshot-error.ts';
import { incomingName } from './snapshot-names.ts';

/** Chunks that one peer is asked for at a time. */
const AT_ONCE = 2;

export interface FetchDeps {
  readonly blobs: BlobStore;
  readonly peers: SnapshotPeers;
  readonly suite: CryptoSuite;
  readonly progress?: (done: number, all: number) => void;
  /** Told of a peer that sent something else. */
  readonly refuse: (peers: readonly PeerKey[], error: unknown) => void;
}

/**
 * Fetches the chunks that are not here yet from all who offer the snapshot; each is stored once it hashes to what the manifest
 * names. A peer that sends another, or none, is not asked again.
 *
 * @returns how many were here before
 * @throws ERR_SNAPSHOT_NONE when nobody is left to ask; the signal's reason
 */
export async function fetchChunks(
  offer: { readonly id: Hash; readonly manifest: SnapshotManifest; readonly from: readonly PeerKey[] },
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<number> {
  const { manifest, id } = offer;
  const { blobs, peers, suite, progress, refuse } = deps;
  const { chunkHashes, block } = manifest;
  const missing = await missingChunks(offer, deps, signal);
  let done = chunkHashes.length - missing.length;
  const resumed = done;
  progress?.(done, chunkHashes.length);

  const askOne = async (peer: PeerKey, index: number): Promise<boolean> => {
    const bytes = await peers.chunk(peer, block.header.height, index, signal);
    if (bytes === null) return false;
    if (chunkHash(bytes, suite) !== chunkHashes[index]) {
      refuse(
        [peer],
        new SnapshotError('ERR_SNAPSHOT_CHUNK', `Chunk ${index} is not the one asked for.`, { meta: { index } }),
      );
      return false;
    }
    await blobs.put(incomingName(id, index), bytes);
    progress?.(++done, chunkHashes.length);
    return true;
  };

  // A peer that fails gives its chunk back and leaves; who waited for work may have to come again.
  let left = [...offer.from];
  while (missing.length > 0 && left.length > 0) {
    const failed = new Set<PeerKey>();
    const work = async (peer: PeerKey) => {
      for (let index = missing.shift(); index !== undefined; index = missing.shift()) {
        signal.throwIfAborted();
        if (!failed.has(peer) && (await askOne(peer, index))) continue;
        failed.add(peer);
        missing.push(index);
        return;
      }
    };
    await Promise.all(left.flatMap((peer) => Array.from({ length: AT_ONCE }, () => work(peer))));
    left = left.filter((peer) => !failed.has(peer));
  }
  if (missing.length > 0) {
    throw new SnapshotError('ERR_SNAPSHOT_NONE', `Nobody gives the ${missing.length} chunks that are missing.`, {
      kind: 'internal',
      meta: { missing: missing.length },
    });
  }
  return resumed;
}

/** What was stored by an earlier try is looked at again: a disk may have changed it. */
async function missingChunks(
  { id, manifest }: { readonly id: Hash; readonly manifest: SnapshotManifest },
  { blobs, suite }: FetchDeps,
  signal: AbortSignal,
): Promise<number[]> {
  const here = new Set(await blobs.names());
  const missing: number[] = [];
  for (const [index, hash] of manifest.chunkHashes.entries()) {
    signal.throwIfAborted();
    const name = incomingName(id, index);
    const bytes = here.has(name) ? await blobs.get(name) : null;
    if (bytes === null || chunkHash(bytes, suite) !== hash) missing.push(index);
  }
  return missing;
}
