import { join } from 'node:path';
import type { Logger, Root } from '@blyan/interface';
import { readBlockManifest, TensorBlockError } from '@blyan/tensorblock';
import { type DerivedIdentity, derivedIdentity, derivedKey } from './derived-identity.ts';
import { removeFile, settle } from './disk.ts';
import { isSystemFault, StoreError, systemError } from './errors.ts';
import { derivedFileName } from './names.ts';
import type { Room } from './room.ts';
import type { IndexedDerived } from './scan.ts';
import type { StoredBlock } from './types.ts';
import type { VerifiedFiles } from './verified-files.ts';

export interface DerivedFilesDeps {
  readonly dir: string;
  readonly files: Map<string, IndexedDerived>;
  readonly verified: VerifiedFiles;
  readonly room: Room;
  readonly logger: Logger;
}

/** Files computed from blocks, at most one for each (block, profile). Losing one costs time only: it is made again. */
export class DerivedFiles {
  readonly #deps: DerivedFilesDeps;

  constructor(deps: DerivedFilesDeps) {
    this.#deps = deps;
  }

  isFresh(identity: DerivedIdentity): boolean {
    const entry = this.#deps.files.get(derivedKey(identity));
    return entry !== undefined && this.#deps.verified.isFresh(entry.path);
  }

  /** Null when there is none, or when it was damaged and has been removed. */
  async acquire(identity: DerivedIdentity, signal?: AbortSignal): Promise<StoredBlock | null> {
    const { files, verified, logger } = this.#deps;
    const entry = files.get(derivedKey(identity));
    if (entry === undefined) return null;
    try {
      const manifest = await verified.check(entry.path, entry.root, signal);
      return files.get(derivedKey(identity)) === entry ? { root: entry.root, path: entry.path, manifest } : null;
    } catch (error) {
      signal?.throwIfAborted();
      const missing = error instanceof TensorBlockError && error.meta.errno === 'ENOENT';
      if (!missing && (isSystemFault(error) || !(error instanceof TensorBlockError))) {
        throw systemError(error, `reading ${entry.path}`);
      }
      if (files.get(derivedKey(identity)) === entry) {
        logger.warn('a derived file was damaged and will be made again', { path: entry.path });
        await this.#drop(entry);
      }
      return null;
    }
  }

  async admit(identity: DerivedIdentity, tempPath: string, signal?: AbortSignal): Promise<StoredBlock> {
    const { dir, files, verified, room } = this.#deps;
    const { root, byteLength } = await readBlockManifest(tempPath).catch((error) => {
      throw refused(identity, error);
    });
    const release = room.reserve(byteLength);
    try {
      const { manifest, keep } = await verified.checkBeforeMove(tempPath, root, signal).catch((error) => {
        throw refused(identity, error);
      });
      const actual = derivedIdentity(manifest, identity.source);
      if (actual?.profile !== identity.profile) throw refused(identity, undefined);
      const path = join(dir, derivedFileName(identity.source, root));
      await settle(tempPath, path);
      await keep(path);
      const old = files.get(derivedKey(identity));
      if (old !== undefined && old.path !== path) await this.#drop(old);
      if (old?.path !== path) room.add(byteLength);
      files.set(derivedKey(identity), { ...identity, root, path, byteLength });
      return { root, path, manifest };
    } finally {
      release();
    }
  }

  async removeOf(source: Root): Promise<void> {
    for (const entry of [...this.#deps.files.values()]) {
      if (entry.source === source) await this.#drop(entry);
    }
  }

  async #drop(entry: IndexedDerived): Promise<void> {
    const { files, verified, room } = this.#deps;
    files.delete(derivedKey(entry));
    verified.forget(entry.path);
    room.add(-entry.byteLength);
    await removeFile(entry.path);
  }
}

function refused(identity: DerivedIdentity, cause: unknown): Error {
  if (cause !== undefined && (!(cause instanceof TensorBlockError) || isSystemFault(cause))) return cause as Error;
  return new StoreError(
    'ERR_STORE_CORRUPT',
    `The file is not a sound one derived from ${identity.source} for profile ${identity.profile}.`,
    { kind: 'caller', meta: { root: identity.source }, cause },
  );
}
