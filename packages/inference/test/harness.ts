import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { type ImportDType, importCheckpoint, type ModelManifest } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import { type RandomModelSizes, writeRandomCheckpoint } from '@blyan/testkit';
import type { EngineCoreDeps } from '../src/engine-core.ts';
import {
  Engine,
  EngineCore,
  type EngineDeps,
  type ModelView,
  modelView,
  type SampleSpec,
  StoreSource,
} from '../src/index.ts';
import type { WorkerOptions } from '../src/messages.ts';

export interface TestEngine extends AsyncDisposable {
  readonly engine: EngineCore;
  readonly model: ModelView;
  readonly manifest: ModelManifest;
  readonly store: BlockStore;
}

export interface EngineSettings {
  readonly kvBytes?: number;
  readonly sessionBytes?: number;
  readonly threads?: number;
  readonly partBytes?: number;
  readonly remote?: EngineCoreDeps['remote'];
  readonly lanes?: EngineCoreDeps['lanes'];
}

export interface ImportSettings {
  readonly dtype?: ImportDType;
  readonly sliceBudgetBytes?: number;
}

/** An engine in this thread over a freshly imported checkpoint. */
export async function openEngine(
  dir: string,
  checkpoint: string,
  options: EngineSettings & ImportSettings = {},
): Promise<TestEngine> {
  const store = new BlockStore({ dir: join(dir, 'blocks') }, { logger: silentLogger });
  await store.start();
  const { sliceBudgetBytes, dtype = 'f32' } = options;
  const slices = sliceBudgetBytes ? { sliceBudgetBytes } : {};
  const { manifest } = await importCheckpoint({ dir: checkpoint, store, dtype, ...slices });
  const model = modelView(manifest);
  const engine = engineOver(store, model, options);
  return {
    engine,
    model,
    manifest,
    store,
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await store.stop();
    },
  };
}

/** The same over a random checkpoint. */
export async function openRandom(
  dir: string,
  sizes: RandomModelSizes,
  options: EngineSettings & ImportSettings = {},
): Promise<TestEngine> {
  const checkpoint = join(dir, 'checkpoint');
  await writeRandomCheckpoint({ dir: checkpoint, seed: 7, ...sizes });
  return openEngine(dir, checkpoint, options);
}

/** One more engine over a store, as on another node that holds the same blocks. */
export function engineOver(store: BlockStore, model: ModelView, settings: EngineSettings = {}): EngineCore {
  const remote = settings.remote ?? (() => Promise.reject(new Error('no expert is remote in this test')));
  const options = {
    kvBytes: settings.kvBytes ?? 64 << 20,
    sessionBytes: settings.sessionBytes ?? 1 << 30,
    provider: 'cpu' as const,
    threads: settings.threads ?? 1,
    ...(settings.partBytes === undefined ? {} : { partBytes: settings.partBytes }),
  };
  const engine = new EngineCore(options, { source: new StoreSource(store), remote, lanes: settings.lanes });
  engine.loadModel(model);
  return engine;
}

/** An engine behind a worker over the store of a test, not started. */
export function workerEngine(
  { store }: TestEngine,
  deps: Omit<EngineDeps, 'logger' | 'acquire'>,
  options: Partial<WorkerOptions> = {},
): Engine {
  const source = new StoreSource(store);
  return new Engine(
    { kvBytes: 8 << 20, sessionBytes: 1 << 30, provider: 'cpu', threads: 1, ...options },
    { ...deps, logger: silentLogger, acquire: (root) => source.acquire(root) },
  );
}

/** Answers expert calls with another engine, as the protocol does. */
export function served(by: EngineCore, { root, spec }: ModelView): EngineCoreDeps['remote'] {
  return async (_, call) => {
    const { outputs } = await by.experts({ modelRoot: root, layer: call.layer, rows: call.rows, groups: call.groups });
    let at = 0;
    return call.groups.map(({ rows }) => {
      const part = outputs.slice(at, at + rows.length * spec.hiddenSize);
      at += part.length;
      return part;
    });
  };
}

export const GREEDY: SampleSpec = { params: { temperature: 0, topK: 0, topP: 1, seed: 0 }, logits: 'f32' };

export function logitsOf(base64: string | undefined): Float32Array {
  const bytes = new Uint8Array(Buffer.from(base64 ?? '', 'base64'));
  return new Float32Array(bytes.buffer);
}

/** Opens a sequence over all layers with every expert local. */
export function openLocal({ engine, model }: TestEngine, sequence: string, capacity = 256): void {
  const { layerCount, expertCount } = model.spec;
  engine.open({
    sequence,
    modelRoot: model.root,
    firstLayer: 0,
    lastLayer: layerCount - 1,
    capacity,
    route: '',
    localExperts: new Uint8Array(layerCount * expertCount).fill(1),
  });
}

/** Feeds a prompt in the given chunks, then decodes greedily; the logits of every sampled row. */
export async function generate(
  test: TestEngine,
  sequence: string,
  prompt: readonly number[],
  count: number,
  chunks: readonly number[] = [prompt.length],
): Promise<{ tokens: number[]; logits: Float32Array[] }> {
  const tokens: number[] = [];
  const logits: Float32Array[] = [];
  openLocal(test, sequence, prompt.length + count);
  let position = 0;
  for (const [index, rows] of chunks.entries()) {
    const last = index === chunks.length - 1;
    const input = Uint32Array.from(prompt.slice(position, position + rows));
    const { tokens: drawn } = await test.engine.step({
      sequence,
      position,
      input,
      output: last ? 'sample' : 'none',
      sample: GREEDY,
    });
    position += rows;
    for (const token of drawn ?? []) record(token);
  }
  while (tokens.length < count) {
    const input = Uint32Array.of(tokens.at(-1) as number);
    const { tokens: drawn } = await test.engine.step({ sequence, position, input, output: 'sample', sample: GREEDY });
    position++;
    for (const token of drawn ?? []) record(token);
  }
  test.engine.close({ sequence });
  return { tokens, logits };

  function record({ tokenId, logits: row }: { tokenId: number; logits?: string }): void {
    tokens.push(tokenId);
    logits.push(logitsOf(row));
  }
}
