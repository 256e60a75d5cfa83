import { silentLogger } from '@blyan/interface';
import type { Plan } from '@blyan/routing';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Engine, StageHost } from '../src/index.ts';
import { sequenceId } from '../src/wire.ts';
import { ExpertNetwork, never } from './expert-network.ts';
import { openRandom, type TestEngine, workerEngine } from './harness.ts';

const SELF = 'self';
const cleanup = new AsyncDisposableStack();
let model: TestEngine;
let engine: Engine;
let host: StageHost;
/** Expert calls under way; they end only when they are given up. */
const calls = new Set<AbortSignal>();

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'mixtral', expertCount: 2 }));
  engine = workerEngine(model, { remote: ({ sequences, call }) => host.callExperts(sequences, call) });
  await engine.start();
  cleanup.defer(() => engine.stop());
  await engine.loadModel(model.model);
  const network = new ExpertNetwork();
  network.behaviours.set('other', async (asked) => {
    const { signal } = asked;
    calls.add(signal);
    signal.addEventListener('abort', () => calls.delete(signal));
    return never(asked);
  });
  const port = { forward: async () => {}, result: async () => {}, fail: async () => {} };
  const { caller: experts, faults } = network;
  host = new StageHost(
    { self: SELF, maxSequences: 4 },
    { engine, port, experts, faults, logger: silentLogger, model: () => model.model },
  );
  cleanup.defer(() => host.stop());
}, 30_000);
afterAll(() => cleanup.disposeAsync());

/** Opens every layer here with every expert on one other node. */
function open(
  requestId: string,
  capacity = 64,
  coordinator = SELF,
  epoch = 0,
): { id: string; opening: Promise<unknown> } {
  const { layerCount, expertCount } = model.model.spec;
  const plan: Plan = {
    ...{ type: 'dynamic', modelRoot: model.model.root, profile: 'any', mixedProfile: false, fallbackOrder: [] },
    ...{ embedding: SELF, head: SELF, stages: [{ peerId: SELF, firstLayer: 0, lastLayer: layerCount - 1 }] },
    experts: Array.from({ length: layerCount }, () => Array.from({ length: expertCount }, () => ['other'])),
  };
  const opening = host.open({ ...{ requestId, layer: 0, epoch, capacity, valid: 0, keys: [] }, plan, coordinator });
  return { id: sequenceId(requestId, 0, coordinator), opening };
}

const idle = { sequences: 0, freeKvBytes: 8 << 20 };

test('a stage that is closed while it opens leaves nothing behind', async () => {
  const { id, opening } = open('a'.repeat(32));
  const closing = host.close(id);
  await expect(opening).rejects.toMatchObject({ code: 'ERR_INFERENCE_CANCELLED' });
  await closing;
  expect(host.active).toBe(0);
  expect(await engine.status()).toMatchObject(idle);
});

test('a stage that is asked for again while it opens is put on the later plan when it is open', async () => {
  const requestId = 'e'.repeat(32);
  const { id, opening } = open(requestId);
  const { opening: again } = open(requestId, 64, SELF, 3);
  expect(await opening).toMatchObject({ position: 0 });
  expect(await again).toMatchObject({ position: 0 });
  await expect(open(requestId, 64, SELF, 3).opening).rejects.toMatchObject({ code: 'ERR_INFERENCE_PLAN' });
  expect(() => host.replay(id, { epoch: 0, from: 0, wantedFrom: 0 })).toThrow(/another plan/);
  expect(host.replay(id, { epoch: 3, from: 0, wantedFrom: 0 })).toBe(true);
  await host.close(id);
  expect(await engine.status()).toMatchObject(idle);
});

test('a stage that is asked for again, closed, and asked for once more is opened anew', async () => {
  const requestId = 'e'.repeat(32);
  const { id, opening } = open(requestId);
  const { opening: again } = open(requestId, 64, SELF, 3);
  const closing = host.close(id);
  await expect(opening).rejects.toMatchObject({ code: 'ERR_INFERENCE_CANCELLED' });
  expect(await again).toMatchObject({ position: 0, active: 1 });
  await closing;
  await host.close(id);
  expect(await engine.status()).toMatchObject(idle);
});

test('a stage that the engine refuses is not open', async () => {
  const { opening } = open('b'.repeat(32), model.model.spec.contextLength + 1);
  await expect(opening).rejects.toMatchObject({ code: 'ERR_INFERENCE_RANGE' });
  expect(host.active).toBe(0);
});

test('an expert call of several sequences is given up when the last of them is closed', async () => {
  const sequences = ['c', 'd'].map((digit) => open(digit.repeat(32)));
  for (const { opening } of sequences) await opening;
  const [first, second] = sequences.map(({ id }) => id) as [string, string];
  // What the engine asks for when steps of both share a pass; whether they do depends on when they arrive.
  const rows = new Float32Array(2 * model.model.spec.hiddenSize);
  const call = host.callExperts([first, second], { layer: 0, rows, groups: [{ expert: 0, rows: [0, 1] }] });
  const given = expect(call).rejects.toMatchObject({ code: 'ERR_INFERENCE_CANCELLED' });
  await expect.poll(() => calls.size).toBe(1);
  await host.close(first);
  expect(calls.size).toBe(1);
  await host.close(second);
  await given;
  await expect.poll(() => calls.size).toBe(0);
  await expect.poll(() => engine.status()).toMatchObject(idle);
});

test('a node takes so many sequences as it may, half of them of one other node', async () => {
  const taken = ['1', '2'].map((digit) => open(digit.repeat(32), 64, 'other'));
  const busy = { code: 'ERR_INFERENCE_BUSY' };
  await expect(open('3'.repeat(32), 64, 'other').opening).rejects.toMatchObject(busy);
  taken.push(...['4', '5'].map((digit) => open(digit.repeat(32))));
  await expect(open('6'.repeat(32)).opening).rejects.toMatchObject(busy);
  expect(host.active).toBe(4);
  for (const { id, opening } of taken) {
    await opening;
    await host.close(id);
  }
  expect(await engine.status()).toMatchObject(idle);
});
