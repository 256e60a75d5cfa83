import { EventEmitter } from 'node:events';
import { statfs } from 'node:fs/promises';
import { errorCode, type Logger, type PeerId, type Root } from '@blyan/interface';
import { type BlockRef, blockLabel, type ModelManifest } from '@blyan/model';
import type { BlockExchange } from '@blyan/p2p';
import { autoPlacement, bitmapOf, describeMissing, hasBit, type NodeView, parseHostSpec, resolveHostSpec } from '@blyan/routing';
import type { BlockStore } from '@blyan/store';

/** A node that places itself takes at most this share of the free disk. */
const AUTO_DISK_SHARE = 0.5;

export interface HostedBlocksOptions {
  /** SPEC */
  readonly host: string;
  readonly blocksDir: string;
}

export interface HostedBlocksDeps {
  readonly store: BlockStore;
  readonly exchange: BlockExchange;
  readonly views: () => readonly NodeView[];
  readonly logger: Logger;
}

interface HostedEvents {
  /** The set of verified blocks changed. */
  change: [];
}

/** The blocks this node is to host, which of them are here and verified, and the work of getting and healing the rest. */
export class HostedBlocks extends EventEmitter<HostedEvents> {
  readonly manifest: ModelManifest;
  readonly #options: HostedBlocksOptions;
  readonly #deps: HostedBlocksDeps;
  readonly #verified = new Set<number>();
  readonly #byRoot = new Map<Root, number[]>();
  #wanted: readonly number[] = [];
  #filling: Promise<void> | null = null;
  #again = false;
  #stopped = false;

  constructor(manifest: ModelManifest, options: HostedBlocksOptions, deps: HostedBlocksDeps) {
    super();
    this.manifest = manifest;
    this.#options = options;
    this.#deps = deps;
    manifest.blocks.forEach(({ root }, index) => {
      this.#byRoot.set(root, [...(this.#byRoot.get(root) ?? []), index]);
    });
    deps.store.on('corrupt', ({ root, error }) => this.#damaged(root, error));
  }

  /** Bit i: block i of the manifest is hosted and verified. */
  bitmap(): Uint8Array {
    return bitmapOf([...this.#verified], this.manifest.blocks.length);
  }

  /** Wanted blocks that are not here. */
  missing(): readonly string[] {
    return this.#wanted.filter((index) => !this.#verified.has(index)).map((index) => blockLabel(this.#ref(index)));
  }

  /**
   * Decides what to host, verifies what is in the store and fetches the rest from peers. Blocks nobody offers are left
   * for later: `fill` is called again when the network changes.
   */
  async start(signal: AbortSignal): Promise<void> {
    const spec = parseHostSpec(this.#options.host, this.manifest.spec);
    this.#wanted = spec.kind === 'auto' ? await this.#placeSelf() : resolveHostSpec(spec, this.manifest);
    await this.#fill(signal);
  }

  /** Tries again what is missing. */
  fill(signal: AbortSignal): void {
    if (this.#stopped || this.missing().length === 0) return;
    this.#fill(signal).catch((error) => {
      if (!signal.aborted) this.#deps.logger.warn('blocks could not be fetched', { code: errorCode(error) });
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Fetches blocks of the model that this node needs but does not host. */
  async fetch(indices: readonly number[], signal: AbortSignal): Promise<void> {
    for (const index of indices) {
      const { root } = this.#ref(index);
      if (!this.#deps.store.has(root)) await this.#fetch(index, this.#holders(index), signal);
      await this.#deps.store.acquire(root, { signal });
    }
  }

  /** Gets one damaged or absent block back from whoever has it. */
  async heal(root: Root, signal: AbortSignal): Promise<void> {
    const [index] = this.#byRoot.get(root) ?? [];
    if (index === undefined) return;
    await this.#fetch(index, this.#holders(index), signal);
    this.#deps.logger.info('a block was fetched again from a peer', { block: blockLabel(this.#ref(index)), root });
  }

  async #fill(signal: AbortSignal): Promise<void> {
    if (this.#filling) {
      this.#again = true;
      return this.#filling;
    }
    this.#filling = (async () => {
      do {
        this.#again = false;
        for (const index of this.#wanted) {
          if (!this.#verified.has(index) && !this.#stopped) await this.#take(index, signal);
        }
      } while (this.#again && !this.#stopped);
    })().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  /** Makes one block available, if it is here or somebody has it. */
  async #take(index: number, signal: AbortSignal): Promise<void> {
    const { root } = this.#ref(index);
    const { store, logger } = this.#deps;
    signal.throwIfAborted();
    try {
      if (store.has(root)) await store.acquire(root, { signal });
      else {
        const holders = this.#holders(index);
        if (holders.length === 0) return;
        await this.#fetch(index, holders, signal);
        await store.acquire(root, { signal });
      }
    } catch (error) {
      if (signal.aborted) throw error;
      logger.warn('a block to host is not available', { block: blockLabel(this.#ref(index)), code: errorCode(error), reason: (error as Error).message });
      // Damage was removed: the block is fetched on the next round.
      if (errorCode(error) === 'ERR_STORE_CORRUPT') this.#again = this.#holders(index).length > 0;
      return;
    }
    await store.pin(root);
    this.#verified.add(index);
    this.emit('change');
  }

  async #fetch(index: number, peers: readonly PeerId[], signal: AbortSignal): Promise<void> {
    const { root, byteLength } = this.#ref(index);
    await this.#deps.exchange.fetch(root, { peers, byteLength, signal });
  }

  #holders(index: number): PeerId[] {
    const { root } = this.manifest;
    return this.#deps
      .views()
      .filter((view) => !view.self && view.reachable)
      .filter((view) => view.models.some((model) => model.root === root && hasBit(model.blocks, index)))
      .map((view) => view.peerId);
  }

  #damaged(root: Root, error: Error): void {
    const indices = this.#byRoot.get(root) ?? [];
    if (indices.length === 0) return;
    this.#deps.logger.error('a stored block is damaged and was removed', { block: indices.map((index) => blockLabel(this.#ref(index))).join(), root, reason: error.message });
    const before = this.#verified.size;
    for (const index of indices) this.#verified.delete(index);
    if (this.#verified.size !== before) this.emit('change');
  }

  async #placeSelf(): Promise<readonly number[]> {
    const { bavail, bsize } = await statfs(this.#options.blocksDir);
    const capacity = Math.floor(bavail * bsize * AUTO_DISK_SHARE) + this.#deps.store.usedBytes;
    const others = this.#deps.views().filter((view) => !view.self);
    const chosen = autoPlacement(others, this.manifest, capacity);
    this.#deps.logger.info('chose what to host', { blocks: chosen.length, of: this.manifest.blocks.length });
    return chosen;
  }

  #ref(index: number): BlockRef {
    return this.manifest.blocks[index] as BlockRef;
  }
}

/** `trunk:0, expert:1.2 and 3 more`. */
export function listed(labels: readonly string[]): string {
  return describeMissing(labels);
}
