import type { KeyValueStore, StoreWrite } from '@blyan/interface';
import { HEAD_KEY } from './keys.ts';

const WRITES_PER_BATCH = 4_096;
/** What a node keeps when it begins anew: the votes it gave. */
const JOURNAL = 'c/';

/**
 * Removes everything but the journal of consensus, the head first: a store without a head may hold what an installation that
 * was broken off has left, and nothing of that may be taken for state.
 */
export async function clearChain(store: KeyValueStore): Promise<void> {
  if (store.get(HEAD_KEY) !== undefined) await store.write([{ key: HEAD_KEY, value: null }], { sync: true });
  let writes: StoreWrite[] = [];
  for await (const [key] of store.entries({ from: '!', to: '~' })) {
    if (key.startsWith(JOURNAL)) continue;
    writes.push({ key, value: null });
    if (writes.length < WRITES_PER_BATCH) continue;
    await store.write(writes, { sync: false });
    writes = [];
  }
  if (writes.length > 0) await store.write(writes, { sync: false });
}
