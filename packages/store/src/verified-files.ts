import type { Root } from '@blyan/interface';
import { type BlockManifest, TensorBlockError, verifyBlockFile } from '@blyan/tensorblock';
import { type FileStamp, readStamp, readStampSync, sameContents, sameStamp } from './file-stamp.ts';
import { SharedWork } from './shared-work.ts';

interface Verified {
  readonly root: Root;
  readonly manifest: BlockManifest;
  readonly stamp: FileStamp;
  /** False when the file had just been written: another write in the same clock tick would leave its times as they are. */
  readonly settled: boolean;
}

// Linux stamps files with the time of the last tick, at most 10 ms ago.
const TICK_NS = 50_000_000n;
// Two: one reads while the other hashes. Each has 8 MiB of buffers.
const AT_ONCE = 2;

/**
 * Which files this process has hashed, and what they looked like then. A file is hashed before its first use and again
 * whenever size, times or inode have changed since; callers that ask at once share one pass.
 */
export class VerifiedFiles {
  readonly #files = new Map<string, Verified>();
  readonly #work = new SharedWork<BlockManifest>(AT_ONCE);

  /** @throws what `verifyBlockFile` throws; the signal's reason */
  async check(path: string, root: Root, signal?: AbortSignal): Promise<BlockManifest> {
    const known = this.#files.get(path);
    if (known?.settled) {
      const now = await readStamp(path);
      if (now !== null && sameStamp(now, known.stamp)) return known.manifest;
    }
    return this.#work.run(path, (shared) => this.#hash(path, root, shared), signal);
  }

  /** True when the file is the one that was hashed, by one `stat`. */
  isFresh(path: string): boolean {
    const known = this.#files.get(path);
    if (!known?.settled) return false;
    const now = readStampSync(path);
    return now !== null && sameStamp(now, known.stamp);
  }

  /** Hashes a file that is about to be renamed to `path` and made read-only; `keep` is called once it has been. */
  async checkBeforeMove(tempPath: string, root: Root, signal?: AbortSignal) {
    const before = await readStamp(tempPath);
    const manifest = await verifyBlockFile(tempPath, root, { signal });
    const keep = async (path: string) => {
      const now = nowNs();
      const after = await readStamp(path);
      if (before !== null && after !== null && sameContents(before, after))
        this.#keep(path, root, manifest, after, now);
    };
    return { manifest, keep };
  }

  forget(path: string): void {
    this.#files.delete(path);
  }

  /** Paths and roots of all files verified so far. */
  list(): { path: string; root: Root; manifest: BlockManifest }[] {
    return [...this.#files].map(([path, { root, manifest }]) => ({ path, root, manifest }));
  }

  close(reason: Error): Promise<void> {
    return this.#work.close(reason);
  }

  async #hash(path: string, root: Root, signal: AbortSignal): Promise<BlockManifest> {
    this.#files.delete(path);
    const before = await readStamp(path);
    const manifest = await verifyBlockFile(path, root, { signal });
    const now = nowNs();
    const after = await readStamp(path);
    if (before === null || after === null || !sameStamp(before, after)) {
      throw new TensorBlockError('ERR_TENSORBLOCK_LEAF_MISMATCH', `${path} was changed while it was being verified.`, {
        kind: 'internal',
        meta: { path, root },
      });
    }
    this.#keep(path, root, manifest, after, now);
    return manifest;
  }

  #keep(path: string, root: Root, manifest: BlockManifest, stamp: FileStamp, stampedAtNs: bigint): void {
    this.#files.set(path, { root, manifest, stamp, settled: stampedAtNs - stamp.mtimeNs > TICK_NS });
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
