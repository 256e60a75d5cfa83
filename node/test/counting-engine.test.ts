import { modelView, StoreSource } from '@blyan/inference';
import { silentLogger } from '@blyan/interface';
import { importCheckpoint } from '@blyan/model';
import { DemandCounter } from '@blyan/routing';
import { BlockStore } from '@blyan/store';
import { goldenDir, temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { CountingEngine } from '../src/daemon/counting-engine.ts';

test('an engine counts what answers and other nodes use of its model, and knows what is in use', async () => {
  await using dir = await temporaryDirectory();
  await using store = new BlockStore({ dir: dir.path }, { logger: silentLogger });
  await store.start();
  const imported = await importCheckpoint({ dir: goldenDir('mixtral'), store, name: 'mixtral', dtype: 'f32' });
  const model = { ...imported.manifest, root: imported.root };
  const { layerCount, expertCount, expertsPerToken, hiddenSize } = model.spec;
  const source = new StoreSource(store);
  const engine = new CountingEngine(
    { kvBytes: 8 << 20, sessionBytes: 1 << 30, provider: 'cpu', threads: 2 },
    {
      logger: silentLogger,
      acquire: (root) => source.acquire(root),
      remote: async () => {
        throw new Error('nothing is remote');
      },
    },
  );
  const counter = new DemandCounter(model.spec, { nowMs: () => 0 });
  engine.count({ model, counter });
  await engine.start();
  try {
    await engine.loadModel(modelView(model));
    const localExperts = new Uint8Array(layerCount * expertCount).fill(1);
    const open = {
      sequence: 's',
      modelRoot: model.root,
      firstLayer: 0,
      lastLayer: 0,
      capacity: 8,
      route: '',
      localExperts,
    };
    const rows = (count: number) => new Float32Array(count * hiddenSize).fill(0.5);
    await engine.open(open);
    expect(engine.inUse(model.root, 0, 1)).toBe(true);
    expect(engine.inUse(model.root, 1, 1)).toBe(false);
    expect(engine.inUse(model.root, undefined, undefined)).toBe(true);
    await engine.step({ sequence: 's', position: 0, input: rows(3), output: 'none' });
    await engine.close({ sequence: 's' });
    expect(engine.inUse(model.root, 0, 1)).toBe(false);
    const sum = (values: Float64Array, layer: number) =>
      values.subarray(layer * expertCount, (layer + 1) * expertCount).reduce((total, value) => total + value, 0);
    const perRow = sum(counter.computed(), 0) / (3 * expertsPerToken);
    expect(perRow).toBeGreaterThan(0);
    expect(sum(counter.snapshot().seen, 0)).toBeCloseTo(sum(counter.computed(), 0));

    const call = { modelRoot: model.root, layer: 1, rows: rows(2), groups: [{ expert: 2, rows: [0, 1] }] };
    await engine.experts(call);
    expect(counter.computed()[expertCount + 2]).toBeCloseTo(2 * perRow);
    expect(engine.inUse(model.root, 1, 2)).toBe(true);
    expect(engine.inUse(model.root, 1, 1)).toBe(false);

    const before = counter.computed();
    await engine.uncounted.experts(call);
    await engine.uncounted.open(open);
    await engine.uncounted.close({ sequence: 's' });
    expect(counter.computed()).toEqual(before);
  } finally {
    await engine.stop();
  }
});
