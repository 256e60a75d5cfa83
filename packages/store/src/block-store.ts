import { randomBytes, randomInt } from 'node:crypto';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger, Root, Service } from '@blyan/interface';
import { BlockFile, readBlockManifest, TensorBlockError, verifySubtile } from '@blyan/tensorblock';
import { DerivedFiles } from './derived-files.ts';
import { fileSize, removeFile, settle, syncDir } from './disk.ts';
import { isSystemFault, StoreError, systemError } from './errors.ts';
import { Events } from './events.ts';
import { assertRoot, corrupt, notFound, otherBlock } from './faults.ts';
import { blockFileName, PINS_FILE, TEMP_SUFFIX } from './names.ts';
import { Pins } from './pins.ts';
import { Room } from './room.ts';
import { type IndexedBlock, indexBlock, scanDirectory } from './scan.ts';
import type { BlockEntry, BlockStoreDeps, BlockStoreEvents, BlockStoreOptions, StoredBlock } from './types.ts';
import { VerifiedFiles } from './verified-files.ts';

export interface AdmitOptions {
  readonly signal?: AbortSignal;
  /** Every byte was checked against the root before it was written: `BlockAssembler.finish`. Default false. */
  readonly verified?: boolean;
}

interface Running {
  readonly blocks: Map<Root, IndexedBlock>;
  readonly pins: Pins;
  readonly room: Room;
  readonly verified: VerifiedFiles;
  readonly derived: DerivedFiles;
}

/**
 * Blocks on disk, one read-only file `<root>.tb` each, found by root. A file gets its name only when it is complete,
 * verified and synced, and its bytes are hashed once per process before `acquire` hands it out; damage is reported
 * (`corrupt`) and removed, never handed out. A crash at any moment leaves whole files and temporaries, which the next
 * start removes. Derived files (prepacked weights) lie beside their source and go with it.
 */
export class BlockStore implements Service {
  readonly #options: BlockStoreOptions;
  readonly #logger: Logger;
  readonly #events: Events<BlockStoreEvents>;
  readonly #admissions = new Map<Root, Promise<void>>();
  #running: Running | null = null;

  constructor(options: BlockStoreOptions, deps: BlockStoreDeps) {
    this.#options = options;
    this.#logger = deps.logger;
    this.#events = new Events(deps.logger);
  }

  /**
   * Creates the directory when missing, removes what a crash left and indexes the rest, unhashed. Listeners attached
   * before hear `corrupt` for each block that was removed.
   *
   * @throws ERR_STORE_IO for a directory that cannot be written; ERR_STORE_PINS; the signal's reason
   */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.#running !== null) throw new StoreError('ERR_STORE_STATE', 'The block store is already started.');
    const { dir, quotaBytes } = this.#options;
    try {
      await mkdir(dir, { recursive: true });
      await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
      const pins = await Pins.load(join(dir, PINS_FILE), () => this.tempPath());
      const scan = await scanDirectory(dir, this.#logger, signal);
      const room = new Room(dir, quotaBytes);
      for (const { byteLength } of [...scan.blocks.values(), ...scan.derived.values()]) room.add(byteLength);
      const verified = new VerifiedFiles();
      const derived = new DerivedFiles({ dir, files: scan.derived, verified, room, logger: this.#logger });
      this.#running = { blocks: scan.blocks, pins, room, verified, derived };
      for (const damage of scan.damaged) this.#report(damage.root, damage.error);
    } catch (error) {
      throw systemError(error, `opening the block store ${dir}`);
    }
  }

  /** Ends verifications and waits for admissions and pins. Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    await running.verified.close(new StoreError('ERR_STORE_STATE', 'The block store was stopped.'));
    await Promise.allSettled(this.#admissions.values());
    await running.pins.settled();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Returns what takes the listener off again. */
  on<Name extends keyof BlockStoreEvents>(name: Name, listener: (payload: BlockStoreEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  has(root: Root): boolean {
    return this.#live().blocks.has(root);
  }

  list(): BlockEntry[] {
    const { blocks, pins } = this.#live();
    return [...blocks.values()].map(({ root, byteLength, header }) => {
      return { root, byteLength, kind: header.kind, header, pinned: pins.has(root) };
    });
  }

  /** Where the block is or would be; says nothing about whether it is there or sound. @throws ERR_STORE_ROOT */
  pathOf(root: Root): string {
    return join(this.#options.dir, blockFileName(assertRoot(root)));
  }

  /** Bytes of blocks and derived files. */
  get usedBytes(): number {
    return this.#live().room.usedBytes;
  }

  /** A fresh name on the store's file system for a file to be admitted; leftovers are removed at the next start. */
  tempPath(): string {
    return join(this.#options.dir, `${randomBytes(12).toString('hex')}${TEMP_SUFFIX}`);
  }

  /** Asks before a download. @throws ERR_STORE_QUOTA, ERR_STORE_DISK_FULL when so many bytes would not fit now */
  assertRoom(byteLength: number): Promise<void> {
    return this.#live().room.assertRoom(byteLength);
  }

  /**
   * Takes a complete file into the store: verify, sync, make read-only, rename, sync the directory; when this resolves
   * the block survives a power cut. The temporary file is gone afterwards, whatever the outcome. If the block is there
   * already this resolves without looking at the file; admissions of one root run one after the other.
   *
   * @param tempPath - on the store's file system, see {@link tempPath}; not written to any more
   * @throws ERR_STORE_CORRUPT (kind `caller`, the cause says where) when it is not that block; ERR_STORE_QUOTA,
   *   ERR_STORE_DISK_FULL, ERR_STORE_IO, ERR_STORE_ROOT; the signal's reason
   */
  async admit(tempPath: string, root: Root, options: AdmitOptions = {}): Promise<void> {
    assertRoot(root);
    const before = this.#admissions.get(root) ?? Promise.resolve();
    const admission = before.catch(() => undefined).then(() => this.#admitOne(tempPath, root, options));
    this.#admissions.set(root, admission);
    try {
      await admission;
    } finally {
      if (this.#admissions.get(root) === admission) this.#admissions.delete(root);
    }
  }

  /**
   * The block, hashed in full by this process before its first use and again whenever its file has changed since; calls
   * for one root share one pass. Damage removes the file and its derived files.
   *
   * @throws ERR_STORE_NOT_FOUND; ERR_STORE_CORRUPT whose `meta` has root, subtile, start, end and tensors; ERR_STORE_IO;
   *   the signal's reason
   */
  async acquire(root: Root, options: { readonly signal?: AbortSignal } = {}): Promise<StoredBlock> {
    const { blocks, verified } = this.#live();
    const entry = blocks.get(root);
    if (entry === undefined) throw notFound(root);
    try {
      const manifest = await verified.check(entry.path, root, options.signal);
      if (blocks.get(root) !== entry) throw notFound(root);
      return { root, path: entry.path, manifest };
    } catch (error) {
      options.signal?.throwIfAborted();
      throw await this.#failed(entry, error);
    }
  }

  /** True when the block was hashed by this process and its file has not changed since; costs one `stat`. */
  isFresh(root: Root): boolean {
    const { blocks, verified } = this.#live();
    const entry = blocks.get(root);
    return entry !== undefined && verified.isFresh(entry.path);
  }

  /**
   * Hashes one subtile of a block in use against its root, to find rot that leaves file times alone. Meant to be called
   * now and then; without arguments block and subtile are drawn at random. Null when no block has been acquired.
   *
   * @throws as `acquire`
   */
  async sampleVerify(
    choice: { readonly root?: Root; readonly subtile?: number } = {},
  ): Promise<{ root: Root; subtile: number } | null> {
    const { blocks, verified } = this.#live();
    const used = verified.list().filter(({ path, root }) => blocks.get(root)?.path === path);
    const pool = choice.root === undefined ? used : used.filter(({ root }) => root === choice.root);
    const target = pool.length === 0 ? undefined : pool[randomInt(pool.length)];
    if (target === undefined) return null;
    const { root, path, manifest } = target;
    const subtile = choice.subtile ?? randomInt(manifest.leafCount);
    try {
      await using file = await BlockFile.open(path);
      const proof = { byteLength: manifest.byteLength, index: subtile, siblings: await file.proveSubtile(subtile) };
      verifySubtile(root, proof, await file.readSubtile(subtile));
    } catch (error) {
      if (isSystemFault(error)) throw systemError(error, `reading block ${root}`);
      if ((error as TensorBlockError).code === 'ERR_TENSORBLOCK_RANGE') throw error;
      // The full pass names what is damaged, which may be the stored tree.
      verified.forget(path);
      await this.acquire(root);
    }
    return { root, subtile };
  }

  /** Keeps the block from garbage collection; it need not be here yet. Resolves when that is on disk. */
  async pin(root: Root): Promise<void> {
    await this.#setPin(root, true);
  }

  async unpin(root: Root): Promise<void> {
    await this.#setPin(root, false);
  }

  pinned(): Root[] {
    return this.#live().pins.list();
  }

  /** Removes every block that is not pinned, derived files included. */
  async gc(options: { readonly signal?: AbortSignal } = {}): Promise<{ removed: Root[]; freedBytes: number }> {
    const { blocks, pins, room } = this.#live();
    const before = room.usedBytes;
    const removed: Root[] = [];
    for (const root of [...blocks.keys()]) {
      options.signal?.throwIfAborted();
      if (pins.has(root)) continue;
      await this.remove(root);
      removed.push(root);
    }
    return { removed, freedBytes: before - room.usedBytes };
  }

  /** Removes a block and its derived files, pinned or not; nothing happens when it is not here. */
  async remove(root: Root): Promise<void> {
    const entry = this.#live().blocks.get(root);
    if (entry === undefined) return;
    try {
      await this.#drop(entry);
      await syncDir(this.#options.dir);
    } catch (error) {
      throw systemError(error, `removing block ${root}`);
    }
  }

  /** The derived file of a block for an arithmetic profile, verified like a block; null when there is none to trust. */
  async derived(
    root: Root,
    profile: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<StoredBlock | null> {
    return this.#live().derived.acquire({ source: root, profile }, options.signal);
  }

  isDerivedFresh(root: Root, profile: string): boolean {
    return this.#live().derived.isFresh({ source: root, profile });
  }

  /**
   * Takes a file made from a stored block (`derivedHeader` names what it was made from) in place of an older one of
   * that profile. The temporary file is gone afterwards, whatever the outcome.
   *
   * @throws ERR_STORE_NOT_FOUND without its source; ERR_STORE_CORRUPT when it is not what it says; ERR_STORE_QUOTA,
   *   ERR_STORE_DISK_FULL, ERR_STORE_IO; the signal's reason
   */
  async admitDerived(
    sourceRoot: Root,
    profile: string,
    tempPath: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<StoredBlock> {
    try {
      const { blocks, derived } = this.#live();
      if (!blocks.has(sourceRoot)) throw notFound(sourceRoot);
      const stored = await derived.admit({ source: sourceRoot, profile }, tempPath, options.signal);
      // The source may have gone meanwhile.
      if (!blocks.has(sourceRoot)) {
        await derived.removeOf(sourceRoot);
        throw notFound(sourceRoot);
      }
      return stored;
    } catch (error) {
      await removeFile(tempPath).catch(() => undefined);
      throw systemError(error, `storing a file derived from ${sourceRoot}`);
    }
  }

  async #admitOne(tempPath: string, root: Root, { signal, verified: trusted }: AdmitOptions): Promise<void> {
    try {
      const { blocks, room, verified } = this.#live();
      signal?.throwIfAborted();
      if (blocks.has(root)) {
        await removeFile(tempPath);
        return;
      }
      const release = room.reserve((await fileSize(tempPath)) ?? 0);
      try {
        const { manifest, keep } = trusted
          ? { manifest: await readBlockManifest(tempPath), keep: async () => {} }
          : await verified.checkBeforeMove(tempPath, root, signal);
        if (manifest.root !== root) throw otherBlock(root, manifest.root);
        const path = this.pathOf(root);
        await settle(tempPath, path);
        await keep(path);
        blocks.set(root, indexBlock(root, path, manifest));
        room.add(manifest.byteLength);
      } finally {
        release();
      }
      this.#events.emit('added', { root });
    } catch (error) {
      await removeFile(tempPath).catch(() => undefined);
      if (error instanceof TensorBlockError && !isSystemFault(error)) throw corrupt(root, error, 'caller');
      throw systemError(error, `storing block ${root}`);
    }
  }

  /** What to throw after a failed verification; the first to notice damage removes the block. */
  async #failed(entry: IndexedBlock, error: unknown): Promise<Error> {
    const { root, path } = entry;
    const blocks = this.#running?.blocks;
    if (error instanceof TensorBlockError && !isSystemFault(error)) {
      const damage = corrupt(root, error, 'internal');
      if (blocks?.get(root) === entry) {
        await this.#drop(entry);
        this.#report(root, damage);
      }
      return damage;
    }
    if ((error as TensorBlockError).meta?.errno === 'ENOENT') {
      if (blocks?.get(root) === entry) await this.#drop(entry);
      return notFound(root);
    }
    return systemError(error, `reading ${path}`);
  }

  async #drop(entry: IndexedBlock): Promise<void> {
    const { blocks, room, verified, derived } = this.#live();
    blocks.delete(entry.root);
    room.add(-entry.byteLength);
    verified.forget(entry.path);
    await derived.removeOf(entry.root);
    await removeFile(entry.path);
    this.#events.emit('removed', { root: entry.root });
  }

  #report(root: Root, error: Error): void {
    this.#logger.warn('a stored block was damaged and has been removed', { root, reason: (error as StoreError).code });
    this.#events.emit('corrupt', { root, error });
  }

  async #setPin(root: Root, pinned: boolean): Promise<void> {
    assertRoot(root);
    try {
      await this.#live().pins.set(root, pinned);
    } catch (error) {
      throw systemError(error, 'writing the pins');
    }
  }

  #live(): Running {
    if (this.#running === null) throw new StoreError('ERR_STORE_STATE', 'The block store is not started.');
    return this.#running;
  }
}
