import { readdir, stat } from 'node:fs/promises';
import { HASH_BYTES, TILE_LEAVES } from '@blyan/crypto';
import { errorCode, isRoot, type Logger, type PeerId, type Root } from '@blyan/interface';
import { MAX_FRAME_BYTES, PROTOCOL_MAJORS } from '@blyan/params';
import type { BlockStore } from '@blyan/store';
import { BlockAssembler, BlockFile, tileRange } from '@blyan/tensorblock';
import { z } from 'zod';
import { BlockFetch, type PeerFault, tileIndices } from './block-fetch.ts';
import { decodeTileRequest, encodeTile } from './block-wire.ts';
import { P2pError } from './errors.ts';
import type { P2pHost } from './host.ts';
import { PartialBlock } from './partial-block.ts';
import type { PeerProtocol } from './peer-protocol.ts';

export interface BlockExchangeOptions {
  /** For what interrupted fetches leave, on the file system of the store: usually DATA/partial. */
  readonly partialDir: string;
}

export interface BlockExchangeDeps {
  readonly host: P2pHost;
  readonly store: BlockStore;
  readonly logger: Logger;
}

export interface FetchProgress {
  readonly root: Root;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface FetchOptions {
  /** Who may have the block, best first. */
  readonly peers: readonly PeerId[];
  /** As the model manifest says; without it the peers are asked. */
  readonly byteLength?: number;
  readonly signal?: AbortSignal;
  onProgress?(progress: FetchProgress): void;
  /** A peer was dropped from this fetch; others may still complete it. */
  onFault?(fault: PeerFault): void;
}

const STAT_TIMEOUT_MS = 10_000;
const CORRUPT_POINTS = 40;
const MAX_SERVED_TILES = 8;
const MAX_ASKED_PEERS = 32;
const NO_ROOM = new Set(['ERR_STORE_QUOTA', 'ERR_STORE_DISK_FULL']);

const statRequest = z.object({ root: z.string().refine(isRoot) });
const statResponse = z.object({ byteLength: z.number().int().positive() });

/** Hands out the blocks of a store tile by tile with proofs, and fetches blocks into it from several peers at once. */
export class BlockExchange {
  readonly #options: BlockExchangeOptions;
  readonly #deps: BlockExchangeDeps;
  readonly #protocol: PeerProtocol;
  readonly #fetching = new Map<Root, Promise<void>>();

  constructor(options: BlockExchangeOptions, deps: BlockExchangeDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#protocol = deps.host.protocol('blocks', PROTOCOL_MAJORS.blocks, {
      maxFrameBytes: MAX_FRAME_BYTES,
      maxServedCalls: MAX_SERVED_TILES,
    });
    this.#protocol.handle('stat', { request: statRequest }, ({ root }) => this.#stat(root));
    this.#protocol.handleRawCall('tile', (body) => this.#tile(body));
  }

  /** Removes what interrupted fetches left of blocks that have arrived since. */
  async tidy(): Promise<void> {
    const names = await readdir(this.#options.partialDir).catch(() => [] as string[]);
    for (const name of names) {
      const root = name.replace(/\.(part|proofs)$/, '');
      if (isRoot(root) && this.#deps.store.has(root)) await new PartialBlock(this.#options.partialDir, root).discard();
    }
  }

  /**
   * Resolves when the block is in the store, every byte verified on arrival and again on admission. Calls for one root
   * share one fetch. What had arrived before a break is kept and used by the next call.
   *
   * @throws P2pError ERR_P2P_BLOCK_CORRUPT naming root, subtile and peer when a peer lied and no other had the block;
   * ERR_P2P_BLOCK_UNAVAILABLE; StoreError for quota and disk; the signal's reason
   */
  async fetch(root: Root, options: FetchOptions): Promise<void> {
    for (let other = this.#fetching.get(root); other !== undefined; other = this.#fetching.get(root)) {
      await other.catch(() => {});
      options.signal?.throwIfAborted();
    }
    if (this.#deps.store.has(root)) return;
    const fetching = this.#fetch(root, options).finally(() => this.#fetching.delete(root));
    this.#fetching.set(root, fetching);
    await fetching;
  }

  async #fetch(root: Root, options: FetchOptions): Promise<void> {
    const faults: PeerFault[] = [];
    const onFault = (fault: PeerFault): void => {
      faults.push(fault);
      const { peerId, subtile, error } = fault;
      const fields = { root, peerId, subtile, code: errorCode(error) };
      if (subtile === undefined) this.#deps.logger.debug('peer dropped from a block fetch', fields);
      else {
        this.#deps.logger.warn('a peer sent a damaged block; its part was refused', fields);
        this.#deps.host.penalize(peerId, CORRUPT_POINTS, 'ERR_P2P_BLOCK_CORRUPT');
      }
      options.onFault?.(fault);
    };
    let noRoom: unknown;
    for (const [byteLength, peers] of await this.#offers(root, options, onFault)) {
      try {
        if (await this.#fetchOfLength(root, byteLength, peers, options, onFault)) return;
      } catch (error) {
        // Where peers alone say how long it is, others may say less.
        if (options.byteLength !== undefined || !NO_ROOM.has(errorCode(error))) throw error;
        noRoom ??= error;
      }
    }
    const lie = faults.find((fault) => fault.subtile !== undefined);
    if (lie !== undefined) throw lie.error;
    if (noRoom !== undefined) throw noRoom;
    const reasons = faults.map(({ peerId, error }) => `${peerId}: ${errorCode(error)}`);
    throw new P2pError('ERR_P2P_BLOCK_UNAVAILABLE', `No reachable peer could deliver block ${root}.`, {
      kind: 'peer',
      meta: { root, asked: options.peers.length, reasons },
    });
  }

  /** Which peers say they have the block, by the length they say; the one in the manifest, or the most named, first. */
  async #offers(
    root: Root,
    { peers, byteLength, signal }: FetchOptions,
    onFault: (fault: PeerFault) => void,
  ): Promise<[number, PeerId[]][]> {
    const offers = new Map<number, PeerId[]>();
    const ask = async (peerId: PeerId): Promise<void> => {
      try {
        const answer = await this.#protocol.call(
          peerId,
          'stat',
          { root },
          {
            response: statResponse,
            timeoutMs: STAT_TIMEOUT_MS,
            ...(signal && { signal }),
          },
        );
        offers.set(answer.byteLength, [...(offers.get(answer.byteLength) ?? []), peerId]);
      } catch (error) {
        signal?.throwIfAborted();
        onFault({ peerId, root, error: error as Error });
      }
    };
    await Promise.all(
      peers
        .filter((id) => id !== this.#deps.host.peerId)
        .slice(0, MAX_ASKED_PEERS)
        .map(ask),
    );
    const order = (id: PeerId): number => peers.indexOf(id);
    return [...offers]
      .filter(([length]) => byteLength === undefined || length === byteLength)
      .map(([length, ids]): [number, PeerId[]] => [length, ids.sort((a, b) => order(a) - order(b))])
      .sort(([, a], [, b]) => b.length - a.length);
  }

  async #fetchOfLength(
    root: Root,
    byteLength: number,
    peers: readonly PeerId[],
    options: FetchOptions,
    onFault: (fault: PeerFault) => void,
  ): Promise<boolean> {
    const { store } = this.#deps;
    const { signal } = options;
    const assembler = await this.#assembler(root, byteLength, peers, onFault);
    if (assembler === null) return false;
    const partial = new PartialBlock(this.#options.partialDir, root);
    let complete = false;
    try {
      const present = await partial.attach(assembler, signal);
      const { leafCount, treeOffset } = assembler.geometry;
      const lengthOf = (tile: number): number => tileRange(assembler.geometry, tile).length;
      let doneBytes = [...present].reduce((sum, tile) => sum + lengthOf(tile), 0);
      const missing = tileIndices(leafCount).filter((tile) => !present.has(tile));
      const fetch = new BlockFetch(missing, peers, signal, {
        protocol: this.#protocol,
        assembler,
        partial,
        onFault,
        onTile: (tile) => {
          doneBytes += lengthOf(tile);
          options.onProgress?.({ root, doneBytes, totalBytes: treeOffset });
        },
      });
      complete = await fetch.run();
      if (!complete) return false;
      await assembler.finish();
      await store.admit(assembler.path, root, { ...(signal && { signal }) });
      await partial.discard();
      return true;
    } finally {
      await partial.suspend();
      await assembler.abort();
    }
  }

  async #assembler(
    root: Root,
    byteLength: number,
    peers: readonly PeerId[],
    onFault: (fault: PeerFault) => void,
  ): Promise<BlockAssembler | null> {
    try {
      await this.#deps.store.assertRoom(byteLength);
      return await BlockAssembler.create(this.#deps.store.tempPath(), { root, byteLength });
    } catch (error) {
      if (errorCode(error) !== 'ERR_TENSORBLOCK_LENGTH') throw error;
      for (const peerId of peers) onFault({ peerId, root, error: error as Error });
      return null;
    }
  }

  async #stat(root: Root): Promise<{ byteLength: number }> {
    const { store } = this.#deps;
    if (!store.has(root)) throw unavailable(root);
    try {
      return { byteLength: (await stat(store.pathOf(root))).size };
    } catch {
      throw unavailable(root);
    }
  }

  async #tile(body: Uint8Array): Promise<Uint8Array[]> {
    const { root, tile } = decodeTileRequest(body);
    const { store, logger } = this.#deps;
    if (!store.has(root)) throw unavailable(root);
    try {
      // Hashes the block on its first use: a damaged one is removed here, not passed on.
      const { path } = await store.acquire(root);
      await using file = await BlockFile.open(path);
      const [bytes, siblings] = [await file.readTile(tile), await file.proveTile(tile)];
      const { treeOffset, leafCount } = file.geometry;
      const first = tile * TILE_LEAVES;
      const leafBytes = Math.min(TILE_LEAVES, leafCount - first) * HASH_BYTES;
      const leaves = await file.read(treeOffset + first * HASH_BYTES, leafBytes);
      return encodeTile({ siblings, leaves, bytes });
    } catch (error) {
      if (errorCode(error) === 'ERR_TENSORBLOCK_RANGE') throw error;
      logger.debug('tile not served', { root, tile, code: errorCode(error) });
      throw unavailable(root, error);
    }
  }
}

function unavailable(root: Root, cause?: unknown): P2pError {
  return new P2pError('ERR_P2P_BLOCK_UNAVAILABLE', `This node does not have block ${root}.`, {
    kind: 'caller',
    meta: { root },
    cause,
  });
}
