import type { Socket } from 'node:net';
import { encodeFrame } from '@blyan/codec';
import { type PeerId, silentLogger } from '@blyan/interface';
import { dialLane, Lane } from '@blyan/p2p/lane';
import type { Plan } from '@blyan/routing';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { StageFailure } from '../src/executor/stage-port.ts';
import { type Engine, StageHost } from '../src/index.ts';
import type { LaneName } from '../src/messages.ts';
import { decodeStep, decodeStepHead, encodeStep, type StepFrame, stepRows } from '../src/wire.ts';
import { ExpertNetwork } from './expert-network.ts';
import { openRandom, type TestEngine, workerEngine } from './harness.ts';

const [SELF, OTHER] = ['self', 'other'];
const ID = 'ab'.repeat(16);
const cleanup = new AsyncDisposableStack();
const after: (() => unknown)[] = [];
let model: TestEngine;
let engine: Engine;
let host: StageHost;
let socket: Socket;
let opened: PromiseWithResolvers<LaneName>;
let failures: StageFailure[];
let results: StepFrame[];
let failed: PromiseWithResolvers<void>;
let onResult = () => {};

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'mixtral', expertCount: 2 }));
  engine = workerEngine(model, {
    remote: async () => [],
    laneOpened: async (name) => opened.resolve(name),
    laneClosed: async (name) => host.laneClosed(name),
    frame: async ({ peerId, lane, body }) => host.receive(decodeStepHead(body), peerId, () => stepRows(body), lane),
  });
  await engine.start();
  cleanup.defer(() => engine.stop());
  await engine.loadModel(model.model);
}, 30_000);
afterAll(() => cleanup.disposeAsync());

beforeEach(async () => {
  failures = [];
  results = [];
  failed = Promise.withResolvers();
  opened = Promise.withResolvers();
  socket = await dialLane('127.0.0.1', await engine.inviteLane(OTHER));
  const onMessage = (body: Uint8Array) => {
    results.push(decodeStep(body));
    onResult();
  };
  const lane = new Lane(
    socket,
    { maxMessageBytes: 1 << 24, maxUndoneBytes: 1 << 24 },
    { onMessage, onClose: () => {} },
  );
  after.push(() => lane.close());
  const { lane: number } = await opened.promise;
  const port = {
    forward: async () => {},
    result: async () => {},
    fail: async (_to: PeerId, failure: StageFailure) => {
      failures.push(failure);
      failed.resolve();
    },
  };
  const { caller: experts, faults } = new ExpertNetwork();
  host = new StageHost(
    { self: SELF },
    { engine, port, experts, faults, logger: silentLogger, model: () => model.model, lanes: { to: () => number } },
  );
  after.push(() => host.stop());
});
afterEach(async () => {
  for (const step of after.splice(0).reverse()) await step();
  await engine.closeLanes(OTHER);
});

async function open() {
  const { layerCount, expertCount } = model.model.spec;
  const plan: Plan = {
    ...{ type: 'pipeline', modelRoot: model.model.root, profile: 'any', mixedProfile: false, fallbackOrder: [] },
    ...{ embedding: OTHER, head: OTHER },
    stages: [
      { peerId: OTHER, firstLayer: 0, lastLayer: 0 },
      { peerId: SELF, firstLayer: 1, lastLayer: layerCount - 1 },
    ],
    experts: Array.from({ length: layerCount }, () => Array.from({ length: expertCount }, () => [SELF])),
  };
  await host.open({ requestId: ID, layer: 1, epoch: 0, capacity: 64, valid: 0, keys: [], plan, coordinator: OTHER });
}
/** When so many results have come back over the lane. */
function returned(count: number): Promise<void> {
  return new Promise((resolve) => {
    onResult = () => {
      if (results.length >= count) resolve();
    };
    onResult();
  });
}

/** Rows by their position and count, all at once. */
function feed(...steps: readonly (readonly [position: number, rows: number])[]): void {
  const { hiddenSize } = model.model.spec;
  const frames = steps.flatMap(([position, wanted]) => {
    const rows = Float32Array.from({ length: hiddenSize * wanted }, (_, index) =>
      Math.sin(position * hiddenSize + index),
    );
    const step = encodeStep({ requestId: ID, layer: 1, epoch: 1, position, wanted, rows });
    return encodeFrame('notify', 0, 'lane', step);
  });
  socket.write(Buffer.concat(frames));
}

const status = () => host.status(`${OTHER}/${ID}/1`);

test('what comes behind the row that the engine waits for is taken behind it', async () => {
  await open();
  feed([0, 1]);
  await returned(1);
  await expect.poll(status).toMatchObject({ computed: 1 });
  // The engine has been told what to wait for.
  await engine.status();
  feed([1, 1], [2, 1], [3, 4]);
  await Promise.race([returned(4), failed.promise]);
  expect(failures).toEqual([]);
  expect(results.map(({ epoch, position }) => [epoch, position])).toEqual([0, 1, 2, 3].map((at) => [1, at]));
  await expect.poll(status).toMatchObject({ received: 7, computed: 7 });
});
