import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger, Root } from '@blyan/interface';
import { type BlockHeader, type BlockManifest, readBlockManifest, TensorBlockError } from '@blyan/tensorblock';
import { derivedIdentity, derivedKey } from './derived-identity.ts';
import { removeFile } from './disk.ts';
import { isSystemFault } from './errors.ts';
import { type FileName, parseFileName } from './names.ts';

export interface IndexedBlock {
  readonly root: Root;
  readonly path: string;
  readonly byteLength: number;
  readonly header: Omit<BlockHeader, 'meta'>;
}

export interface IndexedDerived {
  readonly source: Root;
  readonly profile: string;
  readonly root: Root;
  readonly path: string;
  readonly byteLength: number;
}

export interface ScanResult {
  readonly blocks: Map<Root, IndexedBlock>;
  /** By `derivedKey`. */
  readonly derived: Map<string, IndexedDerived>;
  readonly damaged: readonly { readonly root: Root; readonly error: Error }[];
}

const AT_ONCE = 8;

export function indexBlock(root: Root, path: string, manifest: BlockManifest): IndexedBlock {
  const { meta, ...header } = manifest.header;
  return { root, path, byteLength: manifest.byteLength, header };
}

/**
 * What a store directory holds. Temporary files are removed: they were being written when the process died. Blocks are
 * opened, and removed unless length, header, manifest and stored root agree with each other and with the name; they are
 * not hashed yet. Derived files without their source, and second ones of a profile, are removed as well. A file the
 * system cannot read is left alone and not listed. Foreign files are not touched.
 */
export async function scanDirectory(dir: string, logger: Logger, signal?: AbortSignal): Promise<ScanResult> {
  const blocks = new Map<Root, IndexedBlock>();
  const candidates: IndexedDerived[] = [];
  const damaged: { root: Root; error: Error }[] = [];

  const visit = async (path: string, name: FileName): Promise<void> => {
    if (name.type === 'other') return;
    if (name.type === 'temporary') {
      await removeFile(path);
      return;
    }
    try {
      const manifest = await readBlockManifest(path);
      if (manifest.root !== name.root) throw misnamed(path);
      if (name.type === 'block') {
        blocks.set(name.root, indexBlock(name.root, path, manifest));
      } else {
        const identity = derivedIdentity(manifest, name.source);
        if (identity === null) throw misnamed(path);
        candidates.push({ ...identity, root: name.root, path, byteLength: manifest.byteLength });
      }
    } catch (error) {
      if (isSystemFault(error)) {
        logger.warn('a stored block cannot be read and is ignored', { path, error });
        return;
      }
      await removeFile(path);
      if (name.type === 'block') damaged.push({ root: name.root, error: error as Error });
    }
  };

  const names = (await readdir(dir)).sort();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        signal?.throwIfAborted();
        await visit(join(dir, name), parseFileName(name));
      }
    }),
  );

  const derived = new Map<string, IndexedDerived>();
  for (const entry of candidates.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (blocks.has(entry.source) && !derived.has(derivedKey(entry))) derived.set(derivedKey(entry), entry);
    else await removeFile(entry.path);
  }
  return { blocks, derived, damaged };
}

function misnamed(path: string): TensorBlockError {
  return new TensorBlockError('ERR_TENSORBLOCK_ROOT_MISMATCH', `${path} does not carry the root in its name.`, {
    kind: 'internal',
    meta: { path },
  });
}
