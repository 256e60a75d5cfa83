import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, type Logger, type Root } from '@blyan/interface';
import { parseHostSpec, resolveHostSpec } from '@blyan/routing';
import { BlockStore } from '@blyan/store';
import { writeFileAtomic } from '../data-dir/atomic-file.ts';
import { type DataDir, openDataDir } from '../data-dir/data-dir.ts';
import { blockPath } from '../data-dir/models.ts';
import type { ModelSource } from './model-source.ts';

export interface ProvisionDeps {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** This process, which holds the folder's lock meanwhile. */
  readonly pid: number;
}

export interface NodeSupplies {
  readonly host: string;
  readonly source: ModelSource;
  readonly genesis: Uint8Array;
}

const LOCK_WAIT_MS = 10_000;
const LOCK_POLL_MS = 50;

/** Opens the folder; a daemon left over from a run whose parent was killed stops by itself, so it is given a moment. */
async function openWhenFree(dir: string, { pid, signal }: ProvisionDeps): Promise<DataDir> {
  for (let waited = 0; ; waited += LOCK_POLL_MS) {
    try {
      return await openDataDir(dir, pid);
    } catch (error) {
      if (errorCode(error) !== 'ERR_NODE_DATA_DIR_LOCKED' || waited >= LOCK_WAIT_MS) throw error;
    }
    await delay(LOCK_POLL_MS, undefined, { signal });
  }
}

/** The blocks a SPEC needs from the start; a node that places itself (`auto`) begins with the manifest alone. */
function rootsOf(host: string, { manifest }: ModelSource): Root[] {
  const spec = parseHostSpec(host, manifest.spec);
  const indices = spec.kind === 'auto' ? [] : resolveHostSpec(spec, manifest);
  return [manifest.root, ...indices.map((index) => (manifest.blocks[index] as { root: Root }).root)];
}

/** Whether the block is there and every byte of it is right; a damaged one is removed (and reported by the store). */
async function isSound(store: BlockStore, root: Root, signal: AbortSignal): Promise<boolean> {
  if (!store.has(root)) return false;
  try {
    await store.acquire(root, { signal });
    return true;
  } catch (error) {
    if (errorCode(error) !== 'ERR_STORE_CORRUPT') throw error;
    return false;
  }
}

/**
 * Gives one daemon of a local network its folder: genesis, and the blocks it is to host. Every block is hashed,
 * those that were there already too: a damaged one is replaced, and a damaged source is found here.
 * @throws ERR_STORE_CORRUPT when the source's copy is not the block
 */
export async function provisionNode(dir: string, supplies: NodeSupplies, deps: ProvisionDeps): Promise<void> {
  const { logger, signal } = deps;
  await using dataDir = await openWhenFree(dir, deps);
  await writeFileAtomic(dataDir.genesis, supplies.genesis, 0o644);
  const store = new BlockStore({ dir: dataDir.blocks }, { logger });
  await store.start(signal);
  try {
    for (const root of rootsOf(supplies.host, supplies.source)) {
      if (await isSound(store, root, signal)) continue;
      const temporary = store.tempPath();
      try {
        // A clone shares the bytes on file systems that can; elsewhere it is a plain copy.
        await copyFile(blockPath(supplies.source.blocksDir, root), temporary, constants.COPYFILE_FICLONE);
        await store.admit(temporary, root, { signal });
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    }
  } finally {
    await store.stop();
  }
}
