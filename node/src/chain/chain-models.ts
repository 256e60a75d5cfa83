import { modelEntryOf, modelKey, modelOfKey, modelVersionKey } from '@blyan/chain';
import { decodeCanonical } from '@blyan/codec/canonical';
import { toHex } from '@blyan/crypto';
import type { Chain, Root } from '@blyan/interface';

/** Most entries of models that are looked through for a root. */
const MAX_ENTRIES = 4_096;
/** A record is the most a value comes from. */
const MAX_VALUE_BYTES = 4 * 1024 * 1024;

/** A version of a model on the chain. */
export interface PublishedModel {
  readonly name: string;
  readonly version: string;
  readonly root: Root;
}

/** The latest version under a name; null where nobody has published one. */
export function latestOf(chain: Pick<Chain, 'value'>, name: string): PublishedModel | null {
  const bytes = chain.value(modelKey(name));
  const entry = bytes && modelEntryOf(decodeCanonical(bytes, { maxBytes: MAX_VALUE_BYTES }));
  const root = entry && rootOf(chain.value(modelVersionKey(name, entry.latest)));
  return entry && root ? { name, version: entry.latest, root } : null;
}

/** Every model's latest version. */
export async function publishedModels(chain: Chain): Promise<PublishedModel[]> {
  const names = (await entries(chain)).flatMap(([, name, version]) => (version === undefined ? [name] : []));
  return names.flatMap((name) => latestOf(chain, name) ?? []);
}

/** The version that has this root, the latest one of several; null when none is published. */
export async function versionOfRoot(chain: Chain, root: Root): Promise<PublishedModel | null> {
  const found: PublishedModel[] = [];
  for (const [value, name, version] of await entries(chain)) {
    if (version === undefined || rootOf(value) !== root) continue;
    const latest = latestOf(chain, name);
    if (latest?.root === root) return latest;
    found.push({ name, version, root });
  }
  return found[0] ?? null;
}

async function entries(chain: Chain): Promise<[value: Uint8Array, name: string, version: string | undefined][]> {
  const pairs = await chain.values('model/', MAX_ENTRIES);
  return pairs.map(([key, value]) => {
    const { name, version } = modelOfKey(key);
    return [value, name, version];
  });
}

function rootOf(value: Uint8Array | null): Root | null {
  if (value === null) return null;
  const { root } = decodeCanonical(value, { maxBytes: MAX_VALUE_BYTES }) as { root?: unknown };
  return root instanceof Uint8Array ? toHex(root) : null;
}
