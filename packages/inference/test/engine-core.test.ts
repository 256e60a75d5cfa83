import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenRequest, RemoteExpertCall, StepRequest } from '../src/index.ts';
import { Chain, whole } from './chain.ts';
import { engineOver, GREEDY, generate, openLocal, openRandom, served, type TestEngine } from './harness.ts';
import { firstDifference, noise } from './noise.ts';

const code = (name: string) => expect.objectContaining({ code: name });
const cleanup = new AsyncDisposableStack();
let model: TestEngine;

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  const sizes = { architecture: 'qwen3_moe', hiddenSize: 40, headDim: 6, expertCount: 4, contextLength: 512 } as const;
  model = cleanup.use(await openRandom(dir.path, sizes, { kvBytes: 4 << 20 }));
}, 30_000);
afterAll(() => cleanup.disposeAsync());

const step = (request: Partial<StepRequest>) =>
  model.engine.step({ sequence: 's', position: 0, input: Uint32Array.of(1), output: 'none', ...request });

describe('open', () => {
  const request = (change: Partial<OpenRequest> = {}): OpenRequest => ({
    ...{ sequence: 's', modelRoot: model.model.root, firstLayer: 0, lastLayer: 1, capacity: 10, route: '' },
    localExperts: new Uint8Array(8).fill(1),
    ...change,
  });

  test.each<Partial<OpenRequest>>([
    { firstLayer: -1 },
    { firstLayer: 1, lastLayer: 0 },
    { lastLayer: 2 },
    { firstLayer: 0.5 },
    { capacity: 0 },
    { capacity: -32 },
    { capacity: 1.5 },
    { capacity: Number.NaN },
    { capacity: 513 },
    { localExperts: new Uint8Array(7) },
    { modelRoot: '00'.repeat(32) },
  ])('refuses %o', (change) => {
    const before = model.engine.status();
    expect(() => model.engine.open(request(change))).toThrow(code('ERR_INFERENCE_RANGE'));
    expect(model.engine.status()).toEqual(before);
  });

  test('the KV budget fills, is told as busy, and is whole again after closing', () => {
    const { freeKvBytes } = model.engine.status();
    const opened: string[] = [];
    const fill = () => {
      for (let i = 0; i < 1_000; i++) {
        model.engine.open(request({ sequence: `fill-${i}`, capacity: 512 }));
        opened.push(`fill-${i}`);
      }
    };
    expect(fill).toThrow(code('ERR_INFERENCE_BUSY'));
    expect(opened.length).toBeGreaterThan(2);
    expect(model.engine.status().sequences).toBe(opened.length);
    for (const sequence of opened) model.engine.close({ sequence });
    expect(model.engine.status()).toMatchObject({ freeKvBytes, sequences: 0 });
  });

  test('a second sequence of the same name takes the place of the first', () => {
    const { freeKvBytes } = model.engine.status();
    for (let i = 0; i < 3; i++) openLocal(model, 'twin', 64);
    expect(model.engine.status().sequences).toBe(1);
    model.engine.close({ sequence: 'twin' });
    expect(model.engine.close({ sequence: 'twin' })).toBeNull();
    expect(model.engine.status().freeKvBytes).toBe(freeKvBytes);
  });
});

describe('step', () => {
  test.each<[Partial<StepRequest>, string]>([
    [{ sequence: 'nobody' }, 'ERR_INFERENCE_SEQUENCE_UNKNOWN'],
    [{ input: Uint32Array.of(1, 300) }, 'ERR_INFERENCE_RANGE'],
    [{ input: new Uint32Array() }, 'ERR_INFERENCE_RANGE'],
    [{ input: new Float32Array() }, 'ERR_INFERENCE_RANGE'],
    [{ input: new Float32Array(41) }, 'ERR_INFERENCE_RANGE'],
    [{ input: new Uint32Array(65) }, 'ERR_INFERENCE_CAPACITY'],
    [{ position: 1 }, 'ERR_INFERENCE_POSITION'],
    [{ output: 'sample' }, 'ERR_INFERENCE_RANGE'],
    [{ input: new Float32Array(40).fill(Number.NaN), output: 'sample', sample: GREEDY }, 'ERR_INFERENCE_NOT_FINITE'],
    [{ input: new Float32Array(40).fill(-Infinity), output: 'sample', sample: GREEDY }, 'ERR_INFERENCE_NOT_FINITE'],
  ])('%o is %s, and the sequence goes on as if it had not been', async (request, expected) => {
    const { logits } = await generate(model, 'expected', [1, 2, 3], 1);
    openLocal(model, 's', 64);
    await expect(step(request)).rejects.toThrow(code(expected));
    const input = Uint32Array.of(1, 2, 3);
    const [token] = (await step({ input, output: 'sample', sample: GREEDY })).tokens ?? [];
    expect(token?.logits).toBe(Buffer.from((logits[0] as Float32Array).buffer).toString('base64'));
    expect(model.engine.close({ sequence: 's' })).toMatchObject({ steps: 1 });
  });

  test('a bad step in a batch leaves the bits and the counts of its neighbours alone', async () => {
    const stages = whole(model.engine, model.model);
    const alone = new Chain(model.model, stages);
    await alone.logits([5, 6, 7]);
    const expected = await alone.logits([8]);
    alone.close();
    openLocal(model, 'good', 64);
    openLocal(model, 'bad', 64);
    await step({ sequence: 'good', input: Uint32Array.of(5, 6, 7) });
    const [good, bad] = await Promise.allSettled([
      step({ sequence: 'good', position: 3, input: Uint32Array.of(8), output: 'sample', sample: GREEDY }),
      step({ sequence: 'bad', input: new Float32Array(40).fill(Number.NaN), output: 'sample', sample: GREEDY }),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: code('ERR_INFERENCE_NOT_FINITE') });
    const logits = good.status === 'fulfilled' ? good.value.tokens?.[0]?.logits : '';
    expect(logits).toBe(Buffer.from(expected.buffer).toString('base64'));
    const { steps, expertRows } = model.engine.close({ sequence: 'good' }) ?? {
      steps: 0,
      expertRows: new Uint32Array(),
    };
    const { layerCount, expertsPerToken } = model.model.spec;
    expect(steps).toBe(2);
    expect(expertRows.reduce((a, b) => a + b, 0)).toBe(4 * layerCount * expertsPerToken);
    model.engine.close({ sequence: 'bad' });
  });

  test('going back and taking another way gives the bits of that way', async () => {
    const stages = whole(model.engine, model.model);
    const [straight, winding] = [new Chain(model.model, stages), new Chain(model.model, stages)];
    const prompt = Array.from({ length: 40 }, (_, i) => i);
    await straight.hidden(prompt.slice(0, 33));
    const expected = await straight.hidden([100, 101]);
    await winding.hidden(prompt);
    winding.position = 33;
    await winding.hidden([9, 9, 9]);
    winding.position = 33;
    expect(firstDifference(await winding.hidden([100, 101]), expected)).toBe(-1);
    straight.close();
    winding.close();
  });

  test('a prompt that ends with its sequence still waits is refused, one that runs frees its pages', async () => {
    const { freeKvBytes } = model.engine.status();
    openLocal(model, 's', 64);
    const running = step({ input: new Uint32Array(30) });
    const waiting = step({ position: 30, input: new Uint32Array(4) });
    waiting.catch(() => undefined);
    // The queue starts the first one in its next turn.
    await new Promise((resolve) => setImmediate(resolve));
    model.engine.close({ sequence: 's' });
    await expect(waiting).rejects.toThrow(code('ERR_INFERENCE_CANCELLED'));
    expect((await running).rows).toBe(30);
    await new Promise((resolve) => setImmediate(resolve));
    expect(model.engine.status()).toMatchObject({ freeKvBytes, queued: 0, sequences: 0 });
  });

  test('counts the rows of every expert', async () => {
    openLocal(model, 's', 64);
    await step({ input: new Uint32Array(17).map((_, i) => i) });
    await step({ position: 17 });
    const usage = model.engine.close({ sequence: 's' });
    const { layerCount, expertCount, expertsPerToken } = model.model.spec;
    for (let layer = 0; layer < layerCount; layer++) {
      const rows = usage?.expertRows.subarray(layer * expertCount, (layer + 1) * expertCount) ?? [];
      expect([...rows].reduce((a, b) => a + b, 0)).toBe(18 * expertsPerToken);
    }
    expect(usage).toMatchObject({ steps: 2 });
    expect(usage?.ms).toBeGreaterThan(0);
  });
});

describe('remote experts', () => {
  const away = (remote: (call: RemoteExpertCall) => Promise<readonly Float32Array[]>) => {
    const engine = engineOver(model.store, model.model, { remote: (_, call) => remote(call), kvBytes: 4 << 20 });
    return {
      engine,
      chain: new Chain(model.model, [{ engine, firstLayer: 0, lastLayer: 1, isLocal: () => false }]),
    };
  };
  test.each<[string, (outputs: Float32Array[]) => Float32Array[]]>([
    ['none', () => []],
    ['one too few', (outputs) => outputs.slice(1)],
    ['one too many', (outputs) => [...outputs, new Float32Array(40)]],
    ['rows cut short', (outputs) => outputs.map((rows) => rows.slice(1))],
    ['a row too many', (outputs) => outputs.map((rows) => new Float32Array(rows.length + 40))],
  ])('an answer with %s is refused before it is summed', async (_, change) => {
    const answer = served(model.engine, model.model);
    const { engine, chain } = away(async (call) => change([...(await answer([], call))] as Float32Array[]));
    await expect(chain.hidden([1, 2, 3])).rejects.toThrow(code('ERR_INFERENCE_FRAME'));
    await engine.stop();
  });

  test('a failed call fails the step with its own error; asked again the step gives the same bits', async () => {
    const expected = new Chain(model.model, whole(model.engine, model.model));
    const rows = await expected.hidden([1, 2, 3]);
    expected.close();
    const answer = served(model.engine, model.model);
    let failures = 1;
    const { engine, chain } = away((call) => {
      return failures-- > 0 ? Promise.reject(new Error('the line is dead')) : answer([], call);
    });
    await expect(chain.hidden([1, 2, 3])).rejects.toThrow('the line is dead');
    chain.position = 0;
    expect(firstDifference(await chain.hidden([1, 2, 3]), rows)).toBe(-1);
    await engine.stop();
  });

  test('calls of one layer name each expert once, rows in order', async () => {
    const calls: RemoteExpertCall[] = [];
    const answer = served(model.engine, model.model);
    const { engine, chain } = away((call) => {
      calls.push(call);
      return answer([], call) as Promise<Float32Array[]>;
    });
    await chain.hidden([1, 2, 3, 4]);
    expect(calls.map(({ layer }) => layer)).toEqual([0, 1]);
    for (const { groups, rows } of calls) {
      expect(rows.length).toBe(4 * 40);
      expect(groups.map(({ expert }) => expert)).toEqual([...new Set(groups.map(({ expert }) => expert))].sort());
      expect(groups.flatMap((group) => group.rows).toSorted()).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
      for (const group of groups) expect(group.rows).toEqual(group.rows.toSorted((a, b) => a - b));
    }
    await engine.stop();
  });
});

describe('experts', () => {
  const ask = (groups: { expert: number; rows: number[] }[], rows = noise(80, 1), layer = 0) =>
    model.engine.experts({ modelRoot: model.model.root, layer, rows, groups });

  test.each([
    ['an expert that is not there', [{ expert: 4, rows: [0] }], 80, 0],
    ['a layer that is not there', [{ expert: 0, rows: [0] }], 80, 2],
    ['a row that is not there', [{ expert: 0, rows: [2] }], 80, 0],
    ['a negative row', [{ expert: 0, rows: [-1] }], 80, 0],
    ['half a row', [{ expert: 0, rows: [0.5] }], 80, 0],
    ['rows of another size', [{ expert: 0, rows: [0] }], 79, 0],
    ['an empty group', [{ expert: 0, rows: [] }], 80, 0],
    ['more rows than a gate chooses', [0, 1, 2].map((expert) => ({ expert, rows: [0, 1] })), 80, 0],
  ])('%s is refused', async (_, groups, length, layer) => {
    await expect(ask(groups, noise(length, 1), layer)).rejects.toThrow(code('ERR_INFERENCE_RANGE'));
  });

  test('outputs follow the groups, each row computed on its own', async () => {
    const rows = noise(80, 1);
    const { outputs } = await ask(
      [
        { expert: 2, rows: [1, 0] },
        { expert: 0, rows: [1] },
      ],
      rows,
    );
    expect(outputs.length).toBe(120);
    for (const [at, expert, row] of [
      [0, 2, 1],
      [1, 2, 0],
      [2, 0, 1],
    ] as const) {
      const own = await ask([{ expert, rows: [0] }], rows.slice(row * 40, (row + 1) * 40));
      expect(firstDifference(own.outputs, outputs.subarray(at * 40, (at + 1) * 40))).toBe(-1);
    }
  });
});

describe('head and embedding', () => {
  const sample = (hidden: Float32Array<ArrayBuffer>) =>
    model.engine.sample({ modelRoot: model.model.root, hidden, position: 1, spec: GREEDY });

  test('sampling a row elsewhere gives the bits of sampling it in the step', async () => {
    const { logits } = await generate(model, 's', [1, 2, 3], 1);
    const chain = new Chain(model.model, whole(model.engine, model.model));
    const hidden = await chain.hidden([1, 2, 3]);
    chain.close();
    const [{ tokenId, logits: own } = {}] = await sample(hidden.slice(80));
    expect(own).toBe(Buffer.from((logits[0] as Float32Array).buffer).toString('base64'));
    expect(tokenId).toBe((await generate(model, 's', [1, 2, 3], 1)).tokens[0]);
  });

  test('what is not a row of the model is refused', async () => {
    await expect(sample(new Float32Array(39))).rejects.toThrow(code('ERR_INFERENCE_RANGE'));
    await expect(sample(new Float32Array(40).fill(Number.NaN))).rejects.toThrow(code('ERR_INFERENCE_NOT_FINITE'));
    const tokens = Uint32Array.of(299, 300);
    await expect(model.engine.embed({ modelRoot: model.model.root, tokens })).rejects.toThrow('300');
  });

  test('embedded tokens are what a step starts from', async () => {
    const tokens = Uint32Array.of(7, 8, 9, 7);
    const input = await model.engine.embed({ modelRoot: model.model.root, tokens });
    expect(firstDifference(input.slice(0, 40), input.slice(120))).toBe(-1);
    openLocal(model, 's', 64);
    const fromHidden = await step({ input, output: 'all' });
    const fromTokens = await step({ input: tokens, output: 'all' });
    const lastOnly = await step({ input: tokens, output: 'last' });
    const all = fromTokens.hidden as Float32Array;
    expect(firstDifference(fromHidden.hidden as Float32Array, all)).toBe(-1);
    expect(firstDifference(lastOnly.hidden as Float32Array, all.slice(120))).toBe(-1);
    model.engine.close({ sequence: 's' });
  });

  describe('a step behind a draw', () => {
    const behind = async (hidden: Float32Array<ArrayBuffer>, ends: (token: number) => number[], change = () => {}) => {
      const [{ tokenId = -1 } = {}] = await sample(hidden.slice());
      openLocal(model, 's', 64);
      const request = { modelRoot: model.model.root, hidden, position: 1, spec: GREEDY, drawing: 'next' };
      const drawn = model.engine.sample(request);
      const stepped = step({ input: { drawing: 'next', ends: ends(tokenId) }, output: 'all' });
      change();
      const [first, second] = await Promise.allSettled([drawn, stepped]);
      model.engine.close({ sequence: 's' });
      return { tokenId, first, second };
    };

    test('computes the row of the token', async () => {
      const { tokenId, second } = await behind(noise(40, 1), () => []);
      openLocal(model, 's', 64);
      const { hidden } = await step({ input: Uint32Array.of(tokenId), output: 'all' });
      model.engine.close({ sequence: 's' });
      const own = second.status === 'fulfilled' ? second.value.hidden : undefined;
      expect(firstDifference(own as Float32Array, hidden as Float32Array)).toBe(-1);
    });

    test('is called off when the token is an end, or is not drawn; its name can be used once', async () => {
      const cancelled = { status: 'rejected', reason: code('ERR_INFERENCE_CANCELLED') };
      expect((await behind(noise(40, 1), (token) => [token])).second).toEqual(cancelled);
      const failed = await behind(new Float32Array(40).fill(Number.NaN), () => []).catch((error) => error);
      expect(failed).toEqual(code('ERR_INFERENCE_NOT_FINITE'));
      openLocal(model, 's', 64);
      const stepped = step({ input: { drawing: 'next', ends: [] } });
      await expect(stepped).rejects.toThrow(code('ERR_INFERENCE_CANCELLED'));
      model.engine.close({ sequence: 's' });
    });

    test('is not taken by one of the next sequence of that name', async () => {
      openLocal(model, 's', 64);
      const hidden = noise(40, 1);
      await model.engine.sample({ modelRoot: model.model.root, hidden, position: 1, spec: GREEDY, drawing: 's' });
      openLocal(model, 's', 64);
      await expect(step({ input: { drawing: 's', ends: [] } })).rejects.toThrow(code('ERR_INFERENCE_CANCELLED'));
      model.engine.close({ sequence: 's' });
    });

    test('does not reach a sequence that is opened by the name of the one it was for', async () => {
      const { second } = await behind(
        noise(40, 1),
        () => [],
        () => openLocal(model, 's', 64),
      );
      expect(second).toEqual({ status: 'rejected', reason: code('ERR_INFERENCE_SEQUENCE_UNKNOWN') });
    });
  });

  test('log probabilities and the hash of the logits come with a token when asked for', async () => {
    openLocal(model, 's', 64);
    const spec = { ...GREEDY, topLogprobs: 3, logits: 'sha256' as const };
    const [token] = (await step({ output: 'sample', sample: spec })).tokens ?? [];
    expect(token?.topLogprobs).toHaveLength(3);
    expect(token?.topLogprobs?.[0]).toEqual(token?.logprob);
    expect(token?.logprob?.tokenId).toBe(token?.tokenId);
    expect(token?.logits).toMatch(/^[0-9a-f]{64}$/);
    model.engine.close({ sequence: 's' });
  });
});

test('memory does not grow over requests', async () => {
  const prompt = Array.from({ length: 50 }, (_, i) => i);
  const one = async (i: number) => {
    const sequences = ['a', 'b', 'c'].slice(0, 1 + (i % 3));
    await Promise.all(sequences.map((name, j) => generate(model, name, prompt.slice(i + j), 3, [1, 49 - i - j])));
  };
  await one(2);
  const before = model.engine.heapBytes;
  for (let i = 0; i < 12; i++) await one(i);
  expect(model.engine.heapBytes).toBe(before);
});

test('a model is unloaded when no sequence of it is open, and what it took is given back', async () => {
  const { engine, model: view } = model;
  openLocal(model, 's', 64);
  await step({});
  expect(engine.unloadModel(view.root)).toBe(false);
  engine.close({ sequence: 's' });
  const { heapBytes } = engine;
  expect(engine.unloadModel(view.root)).toBe(true);
  expect(engine.status().sessionBytes).toBe(0);
  expect(engine.heapBytes).toBeLessThan(heapBytes);
  expect(() => openLocal(model, 's', 64)).toThrow(code('ERR_INFERENCE_RANGE'));
  engine.loadModel(view);
  openLocal(model, 's', 64);
  expect((await step({ output: 'all' })).hidden).toHaveLength(40);
  engine.close({ sequence: 's' });
});
