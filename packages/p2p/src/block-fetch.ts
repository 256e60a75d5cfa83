import { TILE_LEAVES } from '@blyan/crypto';
import { errorCode, type PeerId, type Root } from '@blyan/interface';
import type { BlockAssembler } from '@blyan/tensorblock';
import { decodeTile, encodeTileRequest, findWrongSubtile } from './block-wire.ts';
import { P2pError } from './errors.ts';
import type { PartialBlock } from './partial-block.ts';
import type { PeerProtocol } from './peer-protocol.ts';
import { TileQueue } from './tile-queue.ts';

const TILE_TIMEOUT_MS = 60_000;
/** Tiles asked for at once: of one peer, and of all together (32 MiB). */
const LANES_PER_PEER = 2;
const MAX_LANES = 8;

/** Why a peer is not asked any further in this fetch. */
export interface PeerFault {
  readonly peerId: PeerId;
  readonly root: Root;
  /** Set when what it sent does not belong to the block. */
  readonly subtile?: number;
  readonly error: Error;
}

export interface BlockFetchDeps {
  readonly protocol: PeerProtocol;
  readonly assembler: BlockAssembler;
  readonly partial: PartialBlock;
  onTile(tile: number, peerId: PeerId): void;
  onFault(fault: PeerFault): void;
}

/** Fetches the missing tiles of one block from several peers at once; a peer that fails is dropped, the others go on. */
export class BlockFetch {
  readonly #deps: BlockFetchDeps;
  readonly #queue: TileQueue;
  readonly #reserve: PeerId[];
  readonly #dropped = new Set<PeerId>();
  readonly #signal: AbortSignal | undefined;
  readonly #stop = new AbortController();
  #lanes: Promise<void>[] = [];
  #failure: unknown = null;
  #waiting: (() => void)[] = [];

  constructor(
    tiles: Iterable<number>,
    peers: readonly PeerId[],
    signal: AbortSignal | undefined,
    deps: BlockFetchDeps,
  ) {
    this.#deps = deps;
    this.#queue = new TileQueue(tiles);
    this.#reserve = [...peers];
    this.#signal = signal;
  }

  /**
   * @returns true when every tile is in place, false when no peer is left to ask.
   * @throws what is not a peer's fault: the signal's reason, a full disk
   */
  async run(): Promise<boolean> {
    const abort = (): void => this.#fail(this.#signal?.reason);
    this.#signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#signal?.throwIfAborted();
      this.#recruit();
      // Lanes of further peers are added when one is dropped.
      for (let seen = 0; seen < this.#lanes.length; seen++) await this.#lanes[seen];
      if (this.#failure !== null) throw this.#failure;
      return this.#queue.remaining === 0;
    } finally {
      this.#signal?.removeEventListener('abort', abort);
    }
  }

  #recruit(): void {
    const running = this.#lanes.length - this.#dropped.size * LANES_PER_PEER;
    for (let lanes = running; lanes < MAX_LANES && this.#reserve.length > 0; lanes += LANES_PER_PEER) {
      const peerId = this.#reserve.shift() as PeerId;
      for (let i = 0; i < LANES_PER_PEER; i++) this.#lanes.push(this.#lane(peerId));
    }
  }

  async #lane(peerId: PeerId): Promise<void> {
    while (this.#queue.remaining > 0 && this.#failure === null && !this.#dropped.has(peerId)) {
      const job = this.#queue.take(peerId);
      if (job === null) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        continue;
      }
      try {
        await this.#fetchTile(peerId, job.tile, AbortSignal.any([job.signal, this.#stop.signal]));
        if (this.#queue.deliver(job.tile, peerId)) this.#deps.onTile(job.tile, peerId);
      } catch (error) {
        this.#queue.giveBack(job.tile, peerId);
        if (!job.signal.aborted && this.#failure === null) this.#judge(peerId, error);
      }
      this.#wake();
    }
  }

  async #fetchTile(peerId: PeerId, tile: number, signal: AbortSignal): Promise<void> {
    const { protocol, assembler, partial } = this.#deps;
    const request = encodeTileRequest(assembler.root, tile);
    const body = await protocol.callRaw(peerId, 'tile', request, { timeoutMs: TILE_TIMEOUT_MS, signal });
    const message = decodeTile(body, assembler.geometry, tile);
    try {
      await assembler.putTile(tile, message.bytes, message.siblings);
    } catch (error) {
      if (errorCode(error) !== 'ERR_TENSORBLOCK_PROOF') {
        this.#fail(error);
        throw error;
      }
      throw corrupt(peerId, assembler.root, findWrongSubtile(assembler.root, assembler.geometry, tile, message), error);
    }
    await partial.record(tile, message.siblings);
  }

  #judge(peerId: PeerId, error: unknown): void {
    if (this.#dropped.has(peerId)) return;
    this.#dropped.add(peerId);
    const subtile =
      error instanceof P2pError && error.code === 'ERR_P2P_BLOCK_CORRUPT' ? error.meta.subtile : undefined;
    this.#deps.onFault({
      peerId,
      root: this.#deps.assembler.root,
      ...(typeof subtile === 'number' && { subtile }),
      error: error as Error,
    });
    this.#recruit();
  }

  #fail(error: unknown): void {
    this.#failure ??= error ?? new Error('aborted');
    this.#stop.abort(this.#failure);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Indices of the tiles of a block with this many leaves. */
export function tileIndices(leafCount: number): number[] {
  return Array.from({ length: Math.ceil(leafCount / TILE_LEAVES) }, (_, tile) => tile);
}

function corrupt(peerId: PeerId, root: Root, subtile: number, cause: unknown): P2pError {
  const message = `Peer ${peerId} sent subtile ${subtile} of block ${root} damaged; it was not kept.`;
  return new P2pError('ERR_P2P_BLOCK_CORRUPT', message, { kind: 'peer', meta: { root, subtile, peerId }, cause });
}
