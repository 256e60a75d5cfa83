import { readFile } from 'node:fs/promises';
import { type Chain, isRoot, type Logger, type Root } from '@blyan/interface';
import { importCheckpoint, loadModelManifest, type ModelManifest } from '@blyan/model';
import type { BlockExchange, P2pHost } from '@blyan/p2p';
import type { BlockStore } from '@blyan/store';
import { latestOf } from '../chain/chain-models.ts';
import { writeFileAtomic } from '../data-dir/atomic-file.ts';
import { findModel, listModels } from '../data-dir/models.ts';
import { genesisCheckpoint } from '../devnet/checkpoint-folder.ts';
import { NodeError } from '../errors.ts';
import { type ChosenModel, modelNamed, modelOfRoot, modelPinned, onlyModel } from './followed-model.ts';
import { nextConnection } from './wait-for-peers.ts';

/** How long to wait for another peer before those that are connected are asked again. */
const ASK_AGAIN_MS = 3_000;

export interface ServedModelOptions {
  /** Name or root, when the operator named one. */
  readonly model?: string;
  /** The model of the invite. */
  readonly invited?: Root;
  readonly blocksDir: string;
  /** Genesis folder of a new network; undefined: that of this program. */
  readonly genesisDir?: string;
  /** Where the choice is kept for the next start. */
  readonly rememberPath: string;
  /** Whether there are peers to ask. */
  readonly joins: boolean;
  /** Null where no chain runs: names are then those of what is stored. */
  readonly chain: Chain | null;
}

export interface ServedModelDeps {
  readonly store: BlockStore;
  readonly host: P2pHost;
  readonly exchange: BlockExchange;
  readonly logger: Logger;
}

/** The model this node serves first. */
export interface ResolvedModel {
  /** By the name that the chain gives it. */
  readonly manifest: ModelManifest;
  /** The name to follow on the chain; null to serve this root whatever is published. */
  readonly follows: string | null;
}

/**
 * The model this node serves: the one named, the one of the invite, the one served before, the only one on the chain, the only
 * one stored, or the genesis model. Names, and what is the latest version of a model, are what the chain says. The manifest is
 * verified, pinned, and fetched when it is not here or damaged.
 * @throws NodeError ERR_NODE_MODEL_NOT_FOUND; the errors of the import; the signal's reason
 */
export async function resolveModel(
  options: ServedModelOptions,
  deps: ServedModelDeps,
  signal: AbortSignal,
): Promise<ResolvedModel> {
  const { chain, rememberPath } = options;
  const { root, name, isPinned = false } = await chooseModel(options, deps, signal);
  const manifest = await obtainManifest(root, deps, signal);
  await rememberModel(rememberPath, root);
  if (chain === null || isPinned) return { manifest, follows: null };
  if (name !== null) return { manifest: { ...manifest, name }, follows: name };
  // Another model of the same name is not this one's next version.
  return { manifest, follows: latestOf(chain, manifest.name) === null ? manifest.name : null };
}

/** Keeps the choice for the next start. */
export async function rememberModel(path: string, root: Root): Promise<void> {
  await writeFileAtomic(path, `${root}\n`, 0o644);
}

async function chooseModel(
  options: ServedModelOptions,
  deps: ServedModelDeps,
  signal: AbortSignal,
): Promise<ChosenModel> {
  const { model, invited, chain, rememberPath } = options;
  if (chain !== null) {
    const isHere = (root: Root) => deps.store.has(root);
    if (model !== undefined) {
      if (isRoot(model.toLowerCase())) return await modelPinned(chain, model.toLowerCase());
      const named = modelNamed(chain, model);
      if (named !== null) return named;
    } else {
      const known = invited ?? (await servedBefore(rememberPath));
      if (known !== null) return await modelOfRoot(chain, known, isHere);
      const only = await onlyModel(chain);
      if (only !== null) return only;
    }
  }
  return { root: await chooseRoot(options, deps, signal), name: null };
}

async function chooseRoot(options: ServedModelOptions, deps: ServedModelDeps, signal: AbortSignal): Promise<Root> {
  const { model, invited, blocksDir } = options;
  if (model !== undefined) return rootOfName(model, options, deps, signal);
  if (invited !== undefined) return invited;
  const remembered = await servedBefore(options.rememberPath);
  if (remembered !== null) return remembered;
  const stored = await listModels(blocksDir);
  if (stored.length === 1) return (stored[0] as ModelManifest).root;
  if (stored.length > 1) {
    const names = stored.map(({ name }) => name).join(', ');
    throw notFound(`The data folder holds several models (${names}); choose one with --model.`);
  }
  if (options.joins) throw notFound('The invite names no model; name one with --model ROOT.');
  deps.logger.info('importing the genesis model');
  const { folder, name } = await genesisCheckpoint(options.genesisDir);
  return (await importCheckpoint({ dir: folder, store: deps.store, name, dtype: 'f32', signal })).root;
}

/** A name is looked up among the models stored here, then compared with the one of the invite. */
async function rootOfName(
  model: string,
  { invited, blocksDir }: ServedModelOptions,
  deps: ServedModelDeps,
  signal: AbortSignal,
): Promise<Root> {
  if (isRoot(model.toLowerCase())) return model.toLowerCase();
  try {
    return (await findModel(blocksDir, model)).root;
  } catch (error) {
    if (invited === undefined) throw error;
    const offered = await obtainManifest(invited, deps, signal);
    if (offered.name === model) return invited;
    throw notFound(
      `No model "${model}" is stored here, and the model of the invite has another name. Name it by its root.`,
    );
  }
}

async function servedBefore(path: string): Promise<Root | null> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return isRoot(text) ? text : null;
}

/** The manifest from the store, or from the first peer that has it; waits until one does. Pinned. */
export async function obtainManifest(root: Root, deps: ServedModelDeps, signal: AbortSignal): Promise<ModelManifest> {
  const { store, host, exchange, logger } = deps;
  for (let waits = 0; ; waits++) {
    signal.throwIfAborted();
    if (store.has(root)) {
      try {
        await store.acquire(root, { signal });
        await store.pin(root);
        return { ...(await loadModelManifest(store.pathOf(root))), root };
      } catch (error) {
        // Damage was removed: what follows fetches it.
        if (store.has(root) || signal.aborted) throw error;
      }
    }
    const connected = nextConnection(host, ASK_AGAIN_MS, signal);
    const peers = host.peers();
    try {
      if (peers.length > 0) await exchange.fetch(root, { peers, signal });
      else if (waits === 0)
        logger.warn('the model is not in the data folder; waiting for a peer that has it', { root });
    } catch (error) {
      if (signal.aborted) throw error;
      if (waits === 0) logger.warn('no peer has the model yet', { root, reason: (error as Error).message });
    }
    if (!store.has(root)) await connected;
  }
}

function notFound(message: string): NodeError {
  return new NodeError('ERR_NODE_MODEL_NOT_FOUND', message, { kind: 'caller' });
}
