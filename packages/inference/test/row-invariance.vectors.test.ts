import { type RandomModelSizes, temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chain, type ChainStage, whole } from './chain.ts';
import { engineOver, openRandom, served, type TestEngine } from './harness.ts';
import { firstDifference, uniform } from './noise.ts';

// Shapes on purpose not multiples of anything: padding, half tiles and odd tails must not show in a single bit.
const SHAPES: Record<string, RandomModelSizes & { sliceBudgetBytes?: number }> = {
  mixtral: {
    ...{ architecture: 'mixtral', hiddenSize: 40, layerCount: 3, headCount: 3, kvHeadCount: 1, headDim: 10 },
    ...{ vocabSize: 301, expertCount: 5, expertsPerToken: 2, expertFfnSize: 52 },
  },
  qwen2_moe: {
    ...{ architecture: 'qwen2_moe', hiddenSize: 72, layerCount: 2, headCount: 6, kvHeadCount: 2, headDim: 22 },
    ...{ vocabSize: 263, expertCount: 5, expertsPerToken: 3, expertFfnSize: 36, sharedExpertFfnSize: 44 },
  },
  qwen3_moe: {
    ...{ architecture: 'qwen3_moe', hiddenSize: 100, layerCount: 2, headCount: 5, kvHeadCount: 1, headDim: 160 },
    ...{ vocabSize: 333, expertCount: 7, expertsPerToken: 4, expertFfnSize: 70, normTopkProb: true },
    ...{ tieEmbeddings: true, sliceBudgetBytes: 45_000 },
  },
  olmoe: {
    ...{ architecture: 'olmoe', hiddenSize: 256, layerCount: 2, headCount: 8, kvHeadCount: 8, headDim: 6 },
    ...{ vocabSize: 290, expertCount: 6, expertsPerToken: 1, expertFfnSize: 33, clipQkv: 1.5 },
  },
};
const CASES = [
  ...Object.keys(SHAPES).map((name) => ({ name, dtype: 'f32' as const })),
  ...['mixtral', 'qwen2_moe'].map((name) => ({ name, dtype: 'i8' as const })),
  ...['qwen3_moe', 'olmoe'].map((name) => ({ name, dtype: 'i4' as const })),
];
/** Two tiles of 16 and a rest. */
const ROWS = 41;
const DECODED = 3;

const tokens = (count: number, seed: number) => {
  const next = uniform(seed);
  return Array.from({ length: count }, () => Math.floor(next() * 260));
};

describe.each(CASES)('$name as $dtype', ({ name, dtype }) => {
  const prompt = tokens(ROWS, 1);
  const answer = tokens(DECODED, 2);
  let model: TestEngine;
  let expected: Float32Array[];
  const cleanup = new AsyncDisposableStack();

  beforeAll(async () => {
    const dir = cleanup.use(await temporaryDirectory());
    const { sliceBudgetBytes, ...sizes } = SHAPES[name] as (typeof SHAPES)[string];
    model = cleanup.use(
      await openRandom(dir.path, sizes, { dtype, ...(sliceBudgetBytes ? { sliceBudgetBytes } : {}) }),
    );
    expect(model.model.spec.sliceCount > 1).toBe(sliceBudgetBytes !== undefined && dtype !== 'i4');
    expected = await run(whole(model.engine, model.model), [ROWS]);
    expect(expected.flatMap((row) => [...row]).every(Number.isFinite)).toBe(true);
  }, 60_000);

  afterAll(() => cleanup.disposeAsync());

  /** Hidden states of the prompt, then the logits of each decoded token. */
  async function run(stages: readonly ChainStage[], chunks: readonly number[]): Promise<Float32Array[]> {
    const chain = new Chain(model.model, stages);
    const hidden: number[] = [];
    for (const rows of chunks)
      hidden.push(...(await chain.hidden(prompt.slice(chain.position, chain.position + rows))));
    const rows: Float32Array[] = [Float32Array.from(hidden)];
    for (const token of answer) rows.push(await chain.logits([token]));
    chain.close();
    return rows;
  }

  function expectSame(actual: readonly Float32Array[]): void {
    expect(actual.map((row, i) => firstDifference(row, expected[i] as Float32Array))).toEqual(actual.map(() => -1));
  }

  test.each([
    ['row by row', Array<number>(ROWS).fill(1)],
    ['16, 16, 9', [16, 16, 9]],
    ['2, 3, 17, 19', [2, 3, 17, 19]],
    ['40, 1', [40, 1]],
    ['1, 33, 7', [1, 33, 7]],
  ])('prompt in chunks: %s', async (_, chunks) => {
    expectSame(await run(whole(model.engine, model.model), chunks));
  });

  test('another engine, and one that keeps no session', async () => {
    for (const sessionBytes of [1 << 30, 0]) {
      const engine = engineOver(model.store, model.model, { sessionBytes });
      expectSame(await run(whole(engine, model.model), [20, 21]));
      await engine.stop();
    }
  });

  // More threads than experts have rows to share: slow here, so of one shape per kind of product.
  const many: [number, number][] = name === 'qwen3_moe' || (name === 'mixtral' && dtype === 'i8') ? [[7, 1]] : [];
  test.each<[number, number]>([
    [2, 1 << 20],
    [3, 1],
    ...many,
  ])('%d threads, experts cut into parts of at least %d bytes', async (threads, partBytes) => {
    const engine = engineOver(model.store, model.model, { threads, partBytes });
    const stages = whole(engine, model.model);
    for (const chunks of [[ROWS], Array<number>(ROWS).fill(1), [3, 16, 22]]) expectSame(await run(stages, chunks));
    // Passes of several sequences, and experts for another node, on the same threads.
    const caller = engineOver(model.store, model.model, { threads: 2, remote: served(engine, model.model) });
    const last = model.model.spec.layerCount - 1;
    const away = [{ engine: caller, firstLayer: 0, lastLayer: last, isLocal: (_: number, e: number) => e % 2 === 1 }];
    const runs = await Promise.all([stages, stages, away].map((split, i) => run(split, [10 + i, ROWS - 10 - i])));
    runs.forEach(expectSame);
    await caller.stop();
    await engine.stop();
  });

  test('nineteen sequences at once', async () => {
    const stages = whole(model.engine, model.model);
    const alone: Float32Array[] = [];
    const chains: Chain[] = [];
    for (let i = 0; i < 19; i++) {
      const own = tokens(1 + ((i * 7) % 40), 100 + i);
      const solo = new Chain(model.model, stages);
      await solo.hidden(own);
      alone.push(await solo.logits([i]));
      solo.close();
      const chain = new Chain(model.model, stages);
      await chain.hidden(own);
      chains.push(chain);
    }
    const together = await Promise.all(chains.map((chain, i) => chain.logits([i])));
    expect(together.map((row, i) => firstDifference(row, alone[i] as Float32Array))).toEqual(alone.map(() => -1));
    for (const chain of chains) chain.close();
  });

  test('short steps of several rows at once, as when drafts are verified', async () => {
    const stages = whole(model.engine, model.model);
    const chains: Chain[] = [];
    const alone: Float32Array[] = [];
    const rowsOf = (i: number) => tokens(1 + ((i * 5) % 16), 200 + i);
    for (let i = 0; i < 9; i++) {
      const own = tokens(1 + ((i * 11) % 40), 300 + i);
      const solo = new Chain(model.model, stages);
      await solo.hidden(own);
      const rows: number[] = [];
      for (const token of rowsOf(i)) rows.push(...(await solo.hidden([token])));
      alone.push(Float32Array.from(rows));
      solo.close();
      const chain = new Chain(model.model, stages);
      await chain.hidden(own);
      chains.push(chain);
    }
    const together = await Promise.all(chains.map((chain, i) => chain.hidden(rowsOf(i))));
    expect(together.map((row, i) => firstDifference(row, alone[i] as Float32Array))).toEqual(alone.map(() => -1));
    for (const chain of chains) chain.close();
  });

  test('layers split over engines, experts split over engines, and both', async () => {
    const { layerCount, expertCount } = model.model.spec;
    const holder = engineOver(model.store, model.model);
    const caller = engineOver(model.store, model.model, { remote: served(holder, model.model) });
    const last = layerCount - 1;
    const random = uniform(5);
    const drawn = Array.from({ length: layerCount * expertCount }, () => random() < 0.5);
    const splits: ChainStage[][] = [
      [
        { engine: model.engine, firstLayer: 0, lastLayer: 0 },
        { engine: holder, firstLayer: 1, lastLayer: last },
      ],
      [{ engine: caller, firstLayer: 0, lastLayer: last, isLocal: (_, expert) => expert % 2 === 0 }],
      [{ engine: caller, firstLayer: 0, lastLayer: last, isLocal: () => false }],
      [
        { engine: caller, firstLayer: 0, lastLayer: last - 1, isLocal: (l, e) => drawn[l * expertCount + e] === true },
        { engine: caller, firstLayer: last, lastLayer: last, isLocal: (_, expert) => expert < 2, route: 'b' },
      ],
    ];
    for (const split of splits) {
      expectSame(await run(split, [ROWS]));
      expectSame(await run(split, [17, 1, 23]));
    }
    // Several sequences of the last split overlap and share passes.
    const runs = await Promise.all(splits.map((split, i) => run(split, [10 + i, ROWS - 10 - i])));
    runs.forEach(expectSame);
    await caller.stop();
    await holder.stop();
  });
});
