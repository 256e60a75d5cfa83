import type { Chain, Root } from '@blyan/interface';
import { latestOf, publishedModels, versionOfRoot } from '../chain/chain-models.ts';

/** Which root to begin with, and the name on the chain that it is followed by. */
export interface ChosenModel {
  readonly root: Root;
  /** Null: the chain does not know the root, or an older version was asked for. */
  readonly name: string | null;
  /** An older version was asked for: it is served as it is, whatever is published. */
  readonly isPinned?: boolean;
}

/** The latest version under a name. */
export function modelNamed(chain: Chain, name: string): ChosenModel | null {
  const latest = latestOf(chain, name);
  return latest && { root: latest.root, name };
}

/**
 * What to serve of a model that is known by one of its roots: the latest version of its name. A version that is here and not
 * the latest is begun with, so that answers need not wait for the next one; it is fetched beside.
 * @param isHere whether the store has a manifest
 */
export async function modelOfRoot(chain: Chain, root: Root, isHere: (root: Root) => boolean): Promise<ChosenModel> {
  const published = await versionOfRoot(chain, root);
  const latest = published && latestOf(chain, published.name);
  if (!latest) return { root, name: null };
  return { root: isHere(root) && !isHere(latest.root) ? root : latest.root, name: latest.name };
}

/** A root that was asked for by itself: followed only while it is the latest version of its name. */
export async function modelPinned(chain: Chain, root: Root): Promise<ChosenModel> {
  const published = await versionOfRoot(chain, root);
  if (published === null) return { root, name: null };
  const isLatest = latestOf(chain, published.name)?.root === root;
  return isLatest ? { root, name: published.name } : { root, name: null, isPinned: true };
}

/** The only model on the chain; null when there is none, or a choice. */
export async function onlyModel(chain: Chain): Promise<ChosenModel | null> {
  const [model, another] = await publishedModels(chain);
  return model === undefined || another !== undefined ? null : model;
}
