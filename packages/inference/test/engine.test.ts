import { type AppError, silentLogger } from '@blyan/interface';
import { temporaryDirectory } from '@blyan/testkit';
import { listSupportedBackends } from 'onnxruntime-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Engine, type Provider } from '../src/index.ts';
import type { LaneName, MainApi } from '../src/messages.ts';
import { decodeStep, encodeStepHead, RESULT } from '../src/wire.ts';
import { GREEDY, generate, openRandom, served, type TestEngine, workerEngine } from './harness.ts';

const code = (name: string) => expect.objectContaining({ code: name });
const cleanup = new AsyncDisposableStack();
let model: TestEngine;
let engine: Engine;
let remote: MainApi['remote'];

function create(provider: Provider = 'cpu', lanes: Partial<MainApi> = {}): Engine {
  return workerEngine(model, { ...lanes, remote: (request) => remote(request) }, { provider, threads: 2 });
}

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'mixtral', expertCount: 4 }));
}, 30_000);
afterAll(() => cleanup.disposeAsync());
beforeEach(async () => {
  remote = () => Promise.reject(new Error('no expert is remote in this test'));
  engine = create();
  await engine.start();
  await engine.loadModel(model.model);
});
afterEach(() => engine.stop());

function open(sequence: string, local = true) {
  const { layerCount, expertCount } = model.model.spec;
  const localExperts = new Uint8Array(layerCount * expertCount).fill(Number(local));
  const layers = { firstLayer: 0, lastLayer: layerCount - 1 };
  return engine.open({ sequence, modelRoot: model.model.root, ...layers, capacity: 600, route: '', localExperts });
}

const step = (input: Uint32Array<ArrayBuffer>, position = 0) =>
  engine.step({ sequence: 's', position, input, output: 'sample', sample: GREEDY });

test('computes the bits of the engine proper, experts of other nodes included', async () => {
  const { logits } = await generate(model, 's', [1, 2, 3], 2);
  const expected = logits.map((row) => Buffer.from(row.buffer).toString('base64'));
  const asked: string[] = [];
  const answer = served(model.engine, model.model);
  remote = ({ sequences, call }) => {
    asked.push(...sequences);
    return answer(sequences, call) as ReturnType<MainApi['remote']>;
  };
  for (const local of [true, false]) {
    await open('s', local);
    const [token] = (await step(Uint32Array.of(1, 2, 3))).tokens ?? [];
    expect(token?.logits).toBe(expected[0]);
    expect((await step(Uint32Array.of(token?.tokenId as number), 3)).tokens?.[0]?.logits).toBe(expected[1]);
    expect(await engine.close({ sequence: 's' })).toMatchObject({ steps: 2 });
  }
  expect(new Set(asked)).toEqual(new Set(['s']));
  expect(await engine.close({ sequence: 's' })).toBeNull();
  expect(await engine.status()).toMatchObject({ sequences: 0, queued: 0, freeKvBytes: 8 << 20 });
});

test('every operation goes to the worker and back', async () => {
  const { root, spec } = model.model;
  const embedded = await engine.embed({ modelRoot: root, tokens: Uint32Array.of(1, 2) });
  expect(embedded.length).toBe(2 * spec.hiddenSize);
  const groups = [{ expert: 1, rows: [0, 1] }];
  const request = { modelRoot: root, layer: 0, rows: embedded, groups };
  expect((await engine.experts(request)).outputs).toEqual((await model.engine.experts(request)).outputs);
  const hidden = embedded.slice(0, spec.hiddenSize);
  const sample = { modelRoot: root, hidden, position: 1, spec: GREEDY };
  expect(await engine.sample(sample)).toEqual(await model.engine.sample(sample));
});

test('rows go from engine to engine over a lane, with the bits of one engine alone', async () => {
  const { root, spec } = model.model;
  const { layerCount, expertCount, hiddenSize: length } = spec;
  const { tokens, logits } = await generate(model, 's', [1], 2);
  const told = [Promise.withResolvers<LaneName>(), Promise.withResolvers<LaneName>()] as const;
  const passed = Promise.withResolvers<Uint8Array>();
  const [first, last] = told.map(({ resolve }) =>
    create('cpu', {
      laneOpened: async (lane) => resolve(lane),
      frame: async ({ body }) => passed.resolve(body),
    }),
  ) as [Engine, Engine];
  await using ends = new AsyncDisposableStack();
  for (const [index, side] of [first, last].entries()) {
    ends.defer(() => side.stop());
    await side.start();
    await side.loadModel(model.model);
    const layers = index === 0 ? { firstLayer: 0, lastLayer: 0 } : { firstLayer: 1, lastLayer: layerCount - 1 };
    const localExperts = new Uint8Array(layerCount * expertCount).fill(1);
    await side.open({ sequence: 's', modelRoot: root, ...layers, capacity: 8, route: '', localExperts });
  }
  const invitation = await last.inviteLane('first');
  await first.connectLane({ peerId: 'last', host: '127.0.0.1', invitation });
  const [there, back] = await Promise.all(told.map(({ promise }) => promise));
  expect([there?.peerId, back?.peerId]).toEqual(['last', 'first']);
  const requestId = '0a'.repeat(16);
  const forward = { lane: there?.lane as number, requestId, layer: 1 };
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const head = (layer: number, wanted: number) => encodeStepHead({ requestId, layer, epoch: 1, position: 0, wanted });
  // Both are told what to do with rows that are not there yet; the first token sets all in motion.
  const behind = last.step({
    ...{ sequence: 's', epoch: 1, position: 0, output: 'last' },
    input: { awaited: 'step', from: 'first', length, head: head(1, 1), arrived },
    forward: { lane: back?.lane as number, requestId, layer: RESULT },
  });
  const hidden = { awaited: 'result', from: 'last', length, head: head(RESULT, 0) };
  const drawn = first.sample({ modelRoot: root, hidden, position: 1, spec: GREEDY, drawing: 'd' });
  const next = first.step({
    ...{ sequence: 's', epoch: 1, position: 1, input: { drawing: 'd', ends: [] }, output: 'all', forward },
  });
  const begun = await first.step({
    ...{ sequence: 's', epoch: 1, position: 0, input: Uint32Array.of(1), output: 'all', forward },
  });
  expect(begun.forwarded).toBe(true);
  const [token] = await drawn;
  expect(token).toMatchObject({
    tokenId: tokens[0],
    logits: Buffer.from(logits[0]?.buffer as ArrayBuffer).toString('base64'),
  });
  expect((await behind).forwarded).toBe(true);
  expect(arrived[0]).toBe(1);
  // Nothing waits for the second row: it goes to the main thread.
  expect(decodeStep(await passed.promise)).toMatchObject({ ...{ requestId, layer: 1, epoch: 1, position: 1 } });
  expect((await next).forwarded).toBe(true);
});

test('the event loop stays free while the worker computes', async () => {
  await open('s');
  let done = false;
  const prompt = step(new Uint32Array(512)).finally(() => {
    done = true;
  });
  // On this thread a prompt would be computed in one go, with hardly a turn of the loop in between.
  let turns = 0;
  while (!done) {
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await prompt;
  expect(turns).toBeGreaterThan(100);
});

describe('errors', () => {
  test('keep code, words, kind and metadata on their way from the worker', async () => {
    await open('s');
    const error = (await step(Uint32Array.of(5, 999)).catch((caught) => caught)) as AppError;
    expect(error).toMatchObject({ code: 'ERR_INFERENCE_RANGE', kind: 'caller', meta: { token: 999 } });
    expect(error.message).toContain('999');
    await expect(engine.open({} as never)).rejects.toThrow(code('ERR_INFERENCE_RANGE'));
  });

  test('keep them from the main thread through the worker, too', async () => {
    remote = () => Promise.reject(Object.assign(new Error('the peer is gone'), { code: 'ERR_TEST_GONE' }));
    await open('s', false);
    await expect(step(Uint32Array.of(1))).rejects.toThrow(expect.objectContaining({ message: 'the peer is gone' }));
  });

  test('an argument that cannot be sent fails its own call only', async () => {
    await expect(engine.embed({ modelRoot: (() => {}) as never, tokens: new Uint32Array() })).rejects.toThrow();
    expect((await engine.status()).sequences).toBe(0);
  });
});

describe('life', () => {
  test('stop ends what runs and what waits, and is idempotent; calls afterwards are refused', async () => {
    await open('s');
    const running = step(new Uint32Array(512));
    const waiting = step(Uint32Array.of(1), 512);
    const results = Promise.allSettled([running, waiting]);
    await Promise.all([engine.stop(), engine.stop()]);
    for (const result of await results) expect(result).toMatchObject({ reason: code('ERR_INFERENCE_STOPPED') });
    await expect(engine.status()).rejects.toThrow(code('ERR_INFERENCE_STOPPED'));
    await engine.stop();
  });

  test('can be started again, without what it had', async () => {
    await open('s');
    await engine.stop();
    await engine.start();
    await engine.start();
    await expect(step(Uint32Array.of(1))).rejects.toThrow(code('ERR_INFERENCE_SEQUENCE_UNKNOWN'));
    await engine.loadModel(model.model);
    await open('s');
    expect((await step(Uint32Array.of(1))).rows).toBe(1);
  });

  test('a worker that dies refuses the calls that wait and those that come', async () => {
    // A heap without size cannot be made: the worker ends before it answers.
    const broken = new Engine(
      { kvBytes: Number.NaN, sessionBytes: 0, provider: 'cpu', threads: 1 },
      {
        acquire: () => Promise.reject(new Error('never')),
        remote: () => Promise.reject(new Error('never')),
        logger: silentLogger,
      },
    );
    await expect(broken.start()).rejects.toThrow(code('ERR_INFERENCE_STOPPED'));
    await expect(broken.status()).rejects.toThrow(code('ERR_INFERENCE_STOPPED'));
    await broken.stop();
  });

  const isThere = listSupportedBackends().some(({ name, bundled }) => name === 'cuda' && bundled);

  test.skipIf(isThere)('a provider that this build lacks is refused by name, with what there is', async () => {
    const error = (await create('cuda')
      .start()
      .catch((caught) => caught)) as AppError;
    expect(error).toMatchObject({ code: 'ERR_INFERENCE_PROVIDER', kind: 'caller', meta: { provider: 'cuda' } });
    expect(error.message).toContain('cpu');
  });
});
