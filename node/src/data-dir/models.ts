import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, isRoot, type Root } from '@blyan/interface';
import { loadModelManifest, type ModelManifest } from '@blyan/model';
import type { BlockStore } from '@blyan/store';
import { readBlockManifest } from '@blyan/tensorblock';
import { NodeError } from '../errors.ts';

/** Path of a block in a store's folder. */
export function blockPath(blocksDir: string, root: Root): string {
  return join(blocksDir, `${root}.tb`);
}

/**
 * The models whose manifest block lies in a store's folder, by name. Only reads, so it may run beside the daemon that
 * owns the folder; blocks that cannot be read are passed over, because telling is the business of `model verify`.
 */
export async function listModels(blocksDir: string): Promise<ModelManifest[]> {
  const names = await readdir(blocksDir).catch((error) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  const models: ModelManifest[] = [];
  for (const name of names) {
    const root = name.slice(0, -3);
    if (!name.endsWith('.tb') || !isRoot(root)) continue;
    const block = await readBlockManifest(join(blocksDir, name)).catch(() => null);
    if (block?.header.kind !== 'model') continue;
    const manifest = await loadModelManifest(join(blocksDir, name)).catch(() => null);
    if (manifest !== null) models.push(manifest);
  }
  return models.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.root < b.root ? -1 : 1));
}

/**
 * The stored model of this name or root (or a root's first 8 or more digits).
 * @throws ERR_NODE_MODEL_NOT_FOUND, also when a name fits several models
 */
export async function findModel(blocksDir: string, nameOrRoot: string): Promise<ModelManifest> {
  const models = await listModels(blocksDir);
  const wanted = nameOrRoot.toLowerCase();
  const isPrefix = /^[0-9a-f]{8,64}$/.test(wanted);
  const byName = models.filter((model) => model.name === nameOrRoot);
  const fitting = byName.length > 0 ? byName : models.filter((model) => isPrefix && model.root.startsWith(wanted));
  if (fitting.length === 1) return fitting[0] as ModelManifest;
  const known = models.map((model) => `${model.name} (${model.root.slice(0, 12)})`).join(', ');
  const sentence =
    fitting.length > 1
      ? `Several models fit "${nameOrRoot}": ${fitting.map((model) => model.root).join(', ')}. Name one by its root.`
      : `No model "${nameOrRoot}" in ${blocksDir}. ${known === '' ? 'It holds none; import one with `blyan-node model import DIR`' : `It holds ${known}`}.`;
  throw new NodeError('ERR_NODE_MODEL_NOT_FOUND', sentence, { kind: 'caller' });
}

/** Keeps a model's blocks from garbage collection. */
export async function pinModel(store: BlockStore, manifest: ModelManifest): Promise<void> {
  await Promise.all([manifest.root, ...manifest.blocks.map((block) => block.root)].map((root) => store.pin(root)));
}
