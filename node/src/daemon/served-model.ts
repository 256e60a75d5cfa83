import { isRoot, type Logger, type Root } from '@blyan/interface';
import { importCheckpoint, loadModelManifest, type ModelManifest } from '@blyan/model';
import type { BlockExchange, P2pHost } from '@blyan/p2p';
import type { BlockStore } from '@blyan/store';
import { join } from 'node:path';
import { findModel, listModels } from '../data-dir/models.ts';
import { NodeError } from '../errors.ts';
import { installedPath } from '../installation.ts';

export interface ServedModelOptions {
  /** Name or root, when the operator named one. */
  readonly model?: string;
  /** The model of the invite. */
  readonly invited?: Root;
  readonly blocksDir: string;
  /** Whether there are peers to ask. */
  readonly joins: boolean;
}

/** The model this node serves: the one named, the one of the invite, the only one stored, or the genesis model. */
export async function resolveModel(
  options: ServedModelOptions,
  deps: { store: BlockStore; host: P2pHost; exchange: BlockExchange; logger: Logger },
  signal: AbortSignal,
): Promise<ModelManifest> {
  const { model, invited, blocksDir } = options;
  const root = model !== undefined && isRoot(model.toLowerCase()) ? model.toLowerCase() : model === undefined ? invited : undefined;
  if (root !== undefined) return fetchManifest(root, deps, signal);
  if (model !== undefined) return findModel(blocksDir, model);
  const stored = await listModels(blocksDir);
  if (stored.length === 1) return stored[0] as ModelManifest;
  if (stored.length > 1) {
    const names = stored.map(({ name }) => name).join(', ');
    throw new NodeError('ERR_NODE_MODEL_NOT_FOUND', `The data folder holds several models (${names}); choose one with --model.`, { kind: 'caller' });
  }
  if (options.joins) {
    throw new NodeError('ERR_NODE_MODEL_NOT_FOUND', 'The invite names no model; name one with --model ROOT.', { kind: 'caller' });
  }
  deps.logger.info('importing the genesis model');
  const { manifest } = await importCheckpoint({ dir: join(await installedPath('genesis'), 'model'), store: deps.store, name: 'genesis', dtype: 'f32', signal });
  return manifest;
}

/** The manifest from the store, or from the first peers that have it; waits until one does. */
async function fetchManifest(root: Root, deps: { store: BlockStore; host: P2pHost; exchange: BlockExchange; logger: Logger }, signal: AbortSignal): Promise<ModelManifest> {
  const { store, host, exchange, logger } = deps;
  for (;;) {
    signal.throwIfAborted();
    if (store.has(root)) {
      await store.acquire(root, { signal });
      await store.pin(root);
      return { ...(await loadModelManifest(store.pathOf(root))), root };
    }
    const peers = host.peers();
    const connected = nextConnection(host, signal);
    try {
      if (peers.length > 0) await exchange.fetch(root, { peers, signal });
      else logger.info('waiting for a peer that has the model', { model: root.slice(0, 12) });
    } catch (error) {
      if (signal.aborted) throw error;
      logger.warn('no peer has the model yet', { model: root.slice(0, 12), reason: (error as Error).message });
    }
    if (!store.has(root)) await connected;
  }
}

/** Resolves with the next connection; peers may also learn the model later, so it looks again every few seconds. */
function nextConnection(host: P2pHost, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, 3_000);
    function done(): void {
      clearTimeout(timer);
      host.off('peer:connect', done);
      signal.removeEventListener('abort', done);
      resolve();
    }
    host.on('peer:connect', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
