import { Engine, type ModelView, StoreSource } from '@blyan/inference';
import { silentLogger } from '@blyan/interface';
import { BlockStore } from '@blyan/store';

const MIB = 1024 * 1024;

export interface OpenEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly source: StoreSource;
}

/** An engine in its worker over a folder of blocks, as a daemon has it: every block is hashed before its first use. */
export async function openEngine(
  blocksDir: string,
  view: ModelView,
  options: { sessionBytes?: number } = {},
): Promise<OpenEngine> {
  const store = new BlockStore({ dir: blocksDir }, { logger: silentLogger });
  await store.start();
  const source = new StoreSource(store);
  const engine = new Engine(
    { kvBytes: 512 * MIB, sessionBytes: options.sessionBytes ?? 8192 * MIB, provider: 'cpu', threads: 1 },
    {
      logger: silentLogger,
      acquire: (root) => source.acquire(root),
      remote: () => Promise.reject(new Error('every expert is local here')),
    },
  );
  await engine.start();
  await engine.loadModel(view);
  return {
    engine,
    source,
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await store.stop();
    },
  };
}
