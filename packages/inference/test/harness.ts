import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { type ImportDType, importCheckpoint, type ModelManifest } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import { EngineCore, type ModelView, modelView, type SampleSpec, StoreSource } from '../src/index.ts';

export interface TestEngine extends AsyncDisposable {
  readonly engine: EngineCore;
  readonly model: ModelView;
  readonly manifest: ModelManifest;
  readonly store: BlockStore;
}

/** An engine in this thread over a freshly imported checkpoint. */
export async function openEngine(
  dir: string,
  checkpoint: string,
  options: {
    dtype?: ImportDType;
    sliceBudgetBytes?: number;
    kvBytes?: number;
    remote?: ConstructorParameters<typeof EngineCore>[1]['remote'];
  } = {},
): Promise<TestEngine> {
  const store = new BlockStore({ dir: join(dir, 'blocks') }, { logger: silentLogger });
  await store.start();
  const { sliceBudgetBytes, dtype = 'f32' } = options;
  const { manifest } = await importCheckpoint({
    dir: checkpoint,
    store,
    dtype,
    ...(sliceBudgetBytes ? { sliceBudgetBytes } : {}),
  });
  const remote = options.remote ?? (() => Promise.reject(new Error('no expert is remote in this test')));
  const engine = new EngineCore(
    { kvBytes: options.kvBytes ?? 64 << 20, sessionBytes: 1 << 30, provider: 'cpu' },
    { source: new StoreSource(store), remote },
  );
  const model = modelView(manifest);
  engine.loadModel(model);
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
    const { token } = await test.engine.step({
      sequence,
      position,
      input,
      output: last ? 'sample' : 'none',
      sample: GREEDY,
    });
    position += rows;
    if (token) record(token);
  }
  while (tokens.length < count) {
    const input = Uint32Array.of(tokens.at(-1) as number);
    const { token } = await test.engine.step({ sequence, position, input, output: 'sample', sample: GREEDY });
    position++;
    if (token) record(token);
  }
  test.engine.close(sequence);
  return { tokens, logits };

  function record({ tokenId, logits: row }: { tokenId: number; logits?: string }): void {
    tokens.push(tokenId);
    logits.push(logitsOf(row));
  }
}
