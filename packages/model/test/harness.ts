import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { BlockStore } from '@blyan/store';

/** A started block store below a folder. */
export async function openStore(dir: string, name = 'blocks'): Promise<BlockStore> {
  const store = new BlockStore({ dir: join(dir, name) }, { logger: silentLogger });
  await store.start();
  return store;
}

/** What a promise rejects with; an error when it does not. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; meta: Record<string, unknown> }> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error) => error,
  );
}
