import { randomInt } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { statfs } from 'node:fs/promises';
import { errorCode, type Logger, type PeerId, type Root } from '@blyan/interface';
import { type BlockRef, blockLabel, type ModelManifest } from '@blyan/model';
import type { BlockExchange } from '@blyan/p2p';
import {
  autoPlacement,
  bitmapOf,
  type ExpertDemand,
  hasBit,
  type Moves,
  type NodeView,
  parseHostSpec,
  resolveHostSpec,
} from '@blyan/routing';
import type { BlockStore } from '@blyan/store';
import { inLanes } from './in-lanes.ts';
import { LostBlocks } from './lost-blocks.ts';

/** A node that places itself takes at most this share of the free disk. */
const AUTO_DISK_SHARE = 0.5;
/** Of a quota it leaves room for what comes before what leaves is gone: a tenth, or a layer if that is at most a quarter. */
const MOVE_ROOM = { least: 0.1, most: 0.25 };
/** What left is kept so long after it was taken back: others may not have heard. */
const GRACE_MS = 60_000;
/** Blocks that are fetched or hashed at once. */
const LANES = 4;
/** How long a start waits for peers that have what is missing. */
const PATIENCE_MS = 6_000;
/** Records come in bursts: nobody has been heard of for so long when all are here. */
const QUIET_MS = 300;
const NO_ROOM = new Set(['ERR_STORE_DISK_FULL', 'ERR_STORE_QUOTA']);

export interface HostedBlocksOptions {
  /** SPEC */
  readonly host: string;
  readonly blocksDir: string;
  /** Whether there are peers to wait for. */
  readonly joins: boolean;
  /** Bound of the store, if it has one. */
  readonly quotaBytes?: number;
}

export interface HostedBlocksDeps {
  readonly store: BlockStore;
  readonly exchange: BlockExchange;
  readonly views: () => readonly NodeView[];
  /** Settles with the next change of the views (true), or after the time given (false). */
  readonly nextNews: (timeoutMs: number, signal: AbortSignal) => Promise<boolean>;
  /** What the network is asked for; a node that places itself goes by it. */
  readonly demand: () => ExpertDemand;
  readonly logger: Logger;
}

interface HostedEvents {
  /** The set of verified blocks changed. */
  change: [];
  /** A round of fetching and verifying is over, and something was gained. */
  filled: [];
}

/** The blocks this node is to host, which of them are here and verified, and the work of getting and healing the rest. */
export class HostedBlocks extends EventEmitter<HostedEvents> {
  readonly manifest: ModelManifest;
  readonly #options: HostedBlocksOptions;
  readonly #deps: HostedBlocksDeps;
  readonly #verified = new Set<number>();
  readonly #byRoot = new Map<Root, number[]>();
  readonly #lost: LostBlocks;
  readonly #unlisten: () => void;
  #wanted: readonly number[] = [];
  /** What left, and when: still here for answers under way. */
  readonly #leaving = new Map<number, number>();
  #filling: Promise<void> | null = null;
  #again = false;
  #stopped = false;

  constructor(manifest: ModelManifest, options: HostedBlocksOptions, deps: HostedBlocksDeps) {
    super();
    this.manifest = manifest;
    this.#options = options;
    this.#deps = deps;
    this.#lost = new LostBlocks(deps.logger, (root) => this.labelOf(root));
    manifest.blocks.forEach(({ root }, index) => {
      this.#byRoot.set(root, [...(this.#byRoot.get(root) ?? []), index]);
    });
    this.#unlisten = deps.store.on('removed', ({ root }) => this.#removed(root));
  }

  /** Bit i: block i of the manifest is hosted and verified. */
  bitmap(): Uint8Array {
    return bitmapOf([...this.#verified], this.manifest.blocks.length);
  }

  /** Wanted blocks that are not here. */
  missing(): readonly string[] {
    return this.#missing().map((index) => blockLabel(this.#ref(index)));
  }

  /** Roots of what is hosted, the model manifest first. */
  roots(): readonly Root[] {
    return [this.manifest.root, ...new Set([...this.#verified].map((index) => this.#ref(index).root))];
  }

  /** `expert:1.2`, or `model` for the manifest; null for what is not of this model. Equal blocks share a root. */
  labelOf(root: Root): string | null {
    if (root === this.manifest.root) return 'model';
    return (this.#byRoot.get(root) ?? []).map((index) => blockLabel(this.#ref(index))).join('+') || null;
  }

  /** A stored block was found damaged, before or while this object existed. */
  damaged(root: Root, error: Error): void {
    this.#lost.damaged(root, error);
    if (this.#deps.store.has(root)) this.#lost.found(root);
  }

  /**
   * Decides what to host, verifies what is in the store and fetches the rest from peers. Blocks nobody offers within a
   * few seconds are left for later: `fill` is called again when the network changes.
   */
  async start(signal: AbortSignal): Promise<void> {
    const spec = parseHostSpec(this.#options.host, this.manifest.spec);
    this.#wanted = spec.kind === 'auto' ? await this.#placeSelf(signal) : resolveHostSpec(spec, this.manifest);
    await this.#fill(signal);
    const deadline = performance.now() + PATIENCE_MS;
    while (this.#options.joins && this.#missing().length > 0 && !signal.aborted) {
      if (!(await this.#deps.nextNews(deadline - performance.now(), signal))) break;
      await this.#fill(signal);
    }
    signal.throwIfAborted();
  }

  /** Tries again what is missing. */
  fill(signal: AbortSignal): void {
    if (this.#stopped || (this.#missing().length === 0 && this.#deps.store.has(this.manifest.root))) return;
    this.#fill(signal).catch((error) => {
      if (!signal.aborted) this.#deps.logger.warn('blocks could not be fetched', { code: errorCode(error) });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    await this.#filling?.catch(() => undefined);
  }

  /** What a node that places itself may take: half of the disk that is free or its own, within the quota. */
  async capacityBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#options.blocksDir);
    const disk = Math.floor(bavail * bsize * AUTO_DISK_SHARE) + this.#deps.store.usedBytes;
    const { quotaBytes } = this.#options;
    if (quotaBytes === undefined) return disk;
    const { least, most } = MOVE_ROOM;
    const room = Math.min(quotaBytes * most, Math.max(quotaBytes * least, this.largestLayerBytes()));
    return Math.min(disk, Math.floor(quotaBytes - room));
  }

  /** What may be fetched now, before anything is removed. */
  async roomBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#options.blocksDir);
    const { quotaBytes = Number.POSITIVE_INFINITY } = this.#options;
    return Math.max(0, Math.min(bavail * bsize, quotaBytes - this.#deps.store.usedBytes));
  }

  /** The bytes of the layer with most, its trunk and all experts. */
  largestLayerBytes(): number {
    const layers = new Map<number, number>();
    for (const { layer, byteLength } of this.manifest.blocks) {
      if (layer !== undefined) layers.set(layer, (layers.get(layer) ?? 0) + byteLength);
    }
    return Math.max(...layers.values());
  }

  /**
   * Hosts something else: what is new is fetched, verified and announced first, then what leaves is taken back; it stays
   * on the disk until `release`. When something new cannot be had, everything is as it was.
   *
   * @returns whether the move was made; not while blocks to host are missing
   */
  async move({ add, drop }: Pick<Moves, 'add' | 'drop'>, signal: AbortSignal): Promise<boolean> {
    if (this.#stopped || this.#filling !== null || this.#missing().length > 0) return false;
    const before = new Set(this.#wanted);
    const news = add.filter((index) => !before.has(index));
    this.#wanted = [...before, ...news].sort((a, b) => a - b);
    for (const index of news) this.#leaving.delete(index);
    await this.#fill(signal);
    const complete = news.every((index) => this.#verified.has(index));
    this.#leave(complete ? drop : news);
    return complete;
  }

  /**
   * Removes what left a while ago from the disk.
   * @param inUse whether an answer under way may need the block
   */
  async release(inUse: (block: BlockRef) => boolean, graceMs = GRACE_MS): Promise<void> {
    const { store } = this.#deps;
    const kept = new Set(this.#wanted.map((index) => this.#ref(index).root));
    for (const [index, sinceMs] of this.#leaving) {
      const ref = this.#ref(index);
      if (performance.now() - sinceMs < graceMs || inUse(ref)) continue;
      this.#leaving.delete(index);
      if (kept.has(ref.root)) continue;
      await store.unpin(ref.root);
      await store.remove(ref.root);
    }
  }

  /** Fetches blocks of the model that this node needs but does not host. */
  async fetch(indices: readonly number[], signal: AbortSignal): Promise<void> {
    await inLanes(indices, LANES, async (index) => {
      const { root } = this.#ref(index);
      if (!this.#deps.store.has(root)) await this.#fetch(root, signal);
      await this.#deps.store.acquire(root, { signal });
    });
  }

  /**
   * Gets one damaged or absent block of the model, its manifest included, back from whoever has it.
   * @throws P2pError ERR_P2P_BLOCK_UNAVAILABLE, ERR_P2P_BLOCK_CORRUPT; StoreError
   */
  async heal(root: Root, signal: AbortSignal): Promise<void> {
    await this.#fetch(root, signal);
    await this.#deps.store.acquire(root, { signal });
    this.#gain(root);
  }

  async #fill(signal: AbortSignal): Promise<void> {
    if (this.#filling) {
      this.#again = true;
      return this.#filling;
    }
    this.#filling = this.#rounds(signal).finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  async #rounds(signal: AbortSignal): Promise<void> {
    const before = this.#verified.size;
    let full = false;
    do {
      this.#again = false;
      if (!this.#deps.store.has(this.manifest.root)) await this.#take(this.manifest.root, signal);
      await inLanes(this.#missing(), LANES, async (index) => {
        if (full || this.#stopped) return;
        full = !(await this.#take(this.#ref(index).root, signal));
      });
    } while (this.#again && !full && !this.#stopped);
    if (this.#verified.size > before) this.emit('filled');
  }

  /** Makes one block available, if it is here or somebody has it. @returns false when there is no room for more */
  async #take(root: Root, signal: AbortSignal): Promise<boolean> {
    try {
      // Before it is here, so that no collection of garbage takes it.
      await this.#deps.store.pin(root);
      if (!(await this.#obtain(root, signal))) return true;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#lost.unavailable(root, error);
      return !NO_ROOM.has(errorCode(error));
    }
    this.#gain(root);
    return true;
  }

  /** @returns false when the block is not here and nobody within reach has it */
  async #obtain(root: Root, signal: AbortSignal): Promise<boolean> {
    const { store, logger } = this.#deps;
    signal.throwIfAborted();
    if (store.has(root)) {
      try {
        await store.acquire(root, { signal });
        return true;
      } catch (error) {
        // Damage was told and removed: fetch it instead.
        if (store.has(root) || signal.aborted) throw error;
      }
    }
    if (this.#holders(root).length === 0) return false;
    try {
      await this.#fetch(root, signal);
    } catch (error) {
      // What an explicit plan once fetched makes room for what is hosted.
      if (errorCode(error) !== 'ERR_STORE_QUOTA' || (await store.gc({ signal })).removed.length === 0) throw error;
      await this.#fetch(root, signal);
    }
    await store.acquire(root, { signal });
    logger.debug('a block arrived', { block: this.labelOf(root), root });
    return true;
  }

  async #fetch(root: Root, signal: AbortSignal): Promise<void> {
    const [index] = this.#byRoot.get(root) ?? [];
    const byteLength = index === undefined ? undefined : this.#ref(index).byteLength;
    await this.#deps.exchange.fetch(root, { peers: this.#holders(root), byteLength, signal });
    this.#lost.found(root);
  }

  /** Reachable nodes that have the block; whoever serves the model has its manifest. */
  #holders(root: Root): PeerId[] {
    const indices = this.#byRoot.get(root) ?? [];
    return this.#deps
      .views()
      .filter((view) => !view.self && view.reachable)
      .filter((view) => {
        const served = view.models.find((model) => model.root === this.manifest.root);
        if (served === undefined) return false;
        return root === this.manifest.root || indices.some((index) => hasBit(served.blocks, index));
      })
      .map((view) => view.peerId);
  }

  #missing(): number[] {
    return this.#wanted.filter((index) => !this.#verified.has(index));
  }

  /** The block is here and verified: it is hosted if it is to be. */
  #gain(root: Root): void {
    const before = this.#verified.size;
    for (const index of this.#byRoot.get(root) ?? []) if (this.#wanted.includes(index)) this.#verified.add(index);
    if (this.#verified.size !== before) this.emit('change');
  }

  #removed(root: Root): void {
    const before = this.#verified.size;
    for (const index of this.#byRoot.get(root) ?? []) this.#verified.delete(index);
    // Telling the network of it brings news, and with them the next try to get it back.
    if (this.#verified.size !== before || root === this.manifest.root) this.emit('change');
  }

  async #placeSelf(signal: AbortSignal): Promise<readonly number[]> {
    const { nextNews, views, store, logger, demand } = this.#deps;
    const others = () => views().filter((view) => !view.self);
    const deadline = performance.now() + PATIENCE_MS;
    while (this.#options.joins && performance.now() < deadline && !signal.aborted) {
      const known = others().length;
      const heard = await nextNews(known === 0 ? deadline - performance.now() : QUIET_MS, signal);
      if (!heard && others().length === known) break;
    }
    const capacity = await this.capacityBytes();
    const bytes = (indices: readonly number[]) => indices.reduce((sum, index) => sum + this.#ref(index).byteLength, 0);
    // What it hosted when it ran last, if that still fits; others see it as one more node while the rest is chosen.
    const pinned = new Set(store.pinned());
    const hosted = this.manifest.blocks.flatMap(({ root }, index) => (pinned.has(root) ? [index] : []));
    const kept = bytes(hosted) <= capacity ? hosted : [];
    const before = views().find((view) => view.self);
    const own = { root: this.manifest.root, blocks: bitmapOf(kept, this.manifest.blocks.length) };
    const seen = before === undefined ? others() : [...others(), { ...before, self: false, models: [own] }];
    const more = autoPlacement(seen, this.manifest, capacity - bytes(kept), {
      demand: demand(),
      salt: randomInt(this.manifest.blocks.length),
    });
    const chosen = [...new Set([...kept, ...more])].sort((a, b) => a - b);
    logger.info('chose what to host', { blocks: chosen.length, of: this.manifest.blocks.length });
    return chosen;
  }

  #leave(indices: readonly number[]): void {
    const leaving = new Set(indices);
    this.#wanted = this.#wanted.filter((index) => !leaving.has(index));
    for (const index of leaving) {
      this.#verified.delete(index);
      this.#leaving.set(index, performance.now());
    }
    if (leaving.size > 0) this.emit('change');
  }

  #ref(index: number): BlockRef {
    return this.manifest.blocks[index] as BlockRef;
  }
}
