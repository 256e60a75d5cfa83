import { Engine, type ModelView, StoreSource } from '@blyan/inference';
import { silentLogger } from '@blyan/interface';
import { BlockStore } from '@blyan/store';

const MIB = 1024 * 1024;

export interface OpenEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly source: StoreSource;
}

export interface EngineLimits {
  readonly sessionBytes?: number;
  readonly threads?: number;
}

/** What one engine of the benchmarks may use. */
export function engineOptions({ sessionBytes = 8192 * MIB, threads = 1 }: EngineLimits = {}) {
  return { kvBytes: 512 * MIB, sessionBytes, provider: 'cpu' as const, threads };
}

/** A folder of blocks as an engine sees it: every block is hashed before its first use. */
export async function openStore(blocksDir: string): Promise<{ store: BlockStore; source: StoreSource }> {
  const store = new BlockStore({ dir: blocksDir }, { logger: silentLogger });
  await store.start();
  return { store, source: new StoreSource(store) };
}

/** An engine in its worker over a folder of blocks, as a daemon has it. */
export async function openEngine(blocksDir: string, view: ModelView, options: EngineLimits = {}): Promise<OpenEngine> {
  const { store, source } = await openStore(blocksDir);
  const engine = new Engine(engineOptions(options), {
    logger: silentLogger,
    acquire: (root) => source.acquire(root),
    remote: () => Promise.reject(new Error('every expert is local here')),
  });
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
