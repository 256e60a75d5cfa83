import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { installedPath } from '../installation.ts';

/** A Hugging Face folder and the name its model gets; undefined: the folder's. */
export interface Checkpoint {
  readonly folder: string;
  readonly name?: string;
}

/** The first model of the network, in the genesis folder, and what people call it. */
const GENESIS_MODEL = 'genesis/model';
export const GENESIS_MODEL_NAME = 'blyan';

/** The first model of a network, which is looked for only while its chain has none. @throws ERR_NODE_MISSING_FILE */
export async function genesisCheckpoint(genesisDir: string | undefined): Promise<Checkpoint> {
  const folder = genesisDir === undefined ? await installedPath(GENESIS_MODEL) : resolve(genesisDir, 'model');
  return { folder, name: GENESIS_MODEL_NAME };
}

/** What `--model` means: the genesis model by default, a folder as it is; null for a name or root of something imported. */
export async function findCheckpoint(model: string | undefined, cwd: string): Promise<Checkpoint | null> {
  if (model === undefined) return await genesisCheckpoint(undefined);
  const folder = resolve(cwd, model);
  const found = await stat(folder).catch(() => null);
  return found?.isDirectory() === true ? { folder } : null;
}

/** Changes when a file of the folder was added, removed, replaced or written to: names, sizes and times, not contents. */
export async function folderFingerprint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).sort()) {
    const info = await stat(join(folder, name));
    hash.update(JSON.stringify([name, info.size, info.mtimeMs]));
  }
  return hash.digest('hex');
}
