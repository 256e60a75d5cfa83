import { access } from 'node:fs/promises';
import { errorCode, type Logger } from '@blyan/interface';
import { importCheckpoint, loadModelManifest, type ModelManifest } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import { defaultDataDir } from '../config/data-dir-path.ts';
import { type DataDirPaths, dataDirPaths } from '../data-dir/data-dir.ts';
import { blockPath, findModel, pinModel } from '../data-dir/models.ts';
import { type Checkpoint, findCheckpoint, folderFingerprint, GENESIS_MODEL_NAME } from './checkpoint-folder.ts';
import { ImportRecord } from './import-record.ts';

/** A whole model in a folder of blocks, to copy from. */
export interface ModelSource {
  readonly manifest: ModelManifest;
  readonly blocksDir: string;
  /** The checkpoint it was imported from; null when it was found by name, so that it cannot be made again. */
  readonly checkpoint: Checkpoint | null;
}

export interface ModelSourceDeps {
  readonly logger: Logger;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * The model a local network is to serve: imported from its folder once, or found by name or root in this data folder or
 * in the user's own.
 * @throws ERR_NODE_MODEL_NOT_FOUND; the errors of the import
 */
export async function findModelSource(
  model: string | undefined,
  cwd: string,
  paths: DataDirPaths,
  deps: ModelSourceDeps,
): Promise<ModelSource> {
  const checkpoint = await findCheckpoint(model, cwd).catch(async (error) => {
    if (model !== undefined || errorCode(error) !== 'ERR_NODE_MISSING_FILE') throw error;
    // The genesis model is needed once: from then on it is what an earlier run imported.
    return null;
  });
  if (checkpoint !== null) return await importOnce(checkpoint, paths, deps);
  const name = model ?? GENESIS_MODEL_NAME;
  try {
    return { manifest: await findModel(paths.blocks, name), blocksDir: paths.blocks, checkpoint };
  } catch (error) {
    if (errorCode(error) !== 'ERR_NODE_MODEL_NOT_FOUND') throw error;
    const own = dataDirPaths(defaultDataDir()).blocks;
    return { manifest: await findModel(own, name).catch(() => Promise.reject(error)), blocksDir: own, checkpoint };
  }
}

/**
 * Hashes the whole source, drops what is damaged and imports that again.
 * @throws the errors of the import
 */
export async function repairSource(
  source: ModelSource & { readonly checkpoint: Checkpoint },
  paths: DataDirPaths,
  deps: ModelSourceDeps,
): Promise<ModelSource> {
  const store = new BlockStore({ dir: source.blocksDir }, { logger: deps.logger });
  await store.start(deps.signal);
  try {
    for (const { root } of [source.manifest, ...source.manifest.blocks]) {
      await store.acquire(root, { signal: deps.signal }).catch(() => deps.signal.throwIfAborted());
    }
  } finally {
    await store.stop();
  }
  return await importOnce(source.checkpoint, paths, deps);
}

async function importOnce(checkpoint: Checkpoint, paths: DataDirPaths, deps: ModelSourceDeps): Promise<ModelSource> {
  const { folder, name } = checkpoint;
  const record = new ImportRecord(paths.root);
  const fingerprint = await folderFingerprint(folder);
  const known = await record.rootOf(folder, fingerprint);
  const whole = known === null ? null : await wholeModel(paths.blocks, known);
  if (whole !== null) return { manifest: whole, blocksDir: paths.blocks, checkpoint };
  const { logger, onProgress, signal } = deps;
  const store = new BlockStore({ dir: paths.blocks }, { logger });
  await store.start(signal);
  try {
    const { root, manifest } = await importCheckpoint({
      dir: folder,
      name,
      store,
      dtype: 'f32',
      onProgress: ({ doneBytes, totalBytes }) => onProgress(doneBytes, totalBytes),
      signal,
    });
    await pinModel(store, manifest);
    await record.add(folder, fingerprint, root);
    return { manifest, blocksDir: paths.blocks, checkpoint };
  } finally {
    await store.stop();
  }
}

/** The manifest when every block's file is there; they are hashed when they are copied. */
async function wholeModel(blocksDir: string, root: string): Promise<ModelManifest | null> {
  try {
    const manifest = await loadModelManifest(blockPath(blocksDir, root));
    await Promise.all(manifest.blocks.map((block) => access(blockPath(blocksDir, block.root))));
    return manifest;
  } catch {
    return null;
  }
}
