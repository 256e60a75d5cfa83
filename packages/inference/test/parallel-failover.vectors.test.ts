import { ANSWER_COMPLETE, type GenerateRequest, type PeerId } from '@blyan/interface';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRandom, type TestEngine } from './harness.ts';
import { turnOfLoop } from './memory-network.ts';
import { uniform } from './noise.ts';
import { type LaneEngine, StageNetworkTest } from './stage-network.ts';

const IDS: readonly PeerId[] = ['A', 'B', 'C', 'D', 'E', 'F'];
/** Those that nobody's answer begins at. */
const OTHERS = IDS.slice(2);
/** Two chunks, and pages to adopt. */
const PROMPT = 200;
const SHARED = 170;
const TOKENS = 16;
/** A log of little more than two prompts: with three answers at a node the oldest is given up. */
const SMALL_LOG = 64 * 1024;

const cleanup = new AsyncDisposableStack();
let model: TestEngine;
let engines: Map<PeerId, LaneEngine>;

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'mixtral', layerCount: 4, residualGain: 0.02 }));
  engines = StageNetworkTest.engines(model, IDS);
  for (const { core } of engines.values()) cleanup.defer(() => core.stop());
});
afterAll(() => cleanup.disposeAsync());

function requestOf(index: number): GenerateRequest {
  const shared = uniform(99);
  const own = uniform(index);
  return {
    requestId: index.toString(16).padStart(32, '0'),
    modelRoot: model.model.root,
    promptTokens: Array.from({ length: PROMPT }, (_, at) => Math.floor((at < SHARED ? shared() : own()) * 250)),
    maxTokens: TOKENS,
    sampling: { temperature: 0.5, topK: 2, topP: 1, seed: index },
    ignoreEos: true,
    returnLogits: 'sha256',
    plan: 'pipeline',
    speculation: index % 2 === 0 ? 'ngram' : 'off',
  };
}

const ANSWERS: readonly { self: PeerId; stages: readonly PeerId[] }[] = [
  { self: 'A', stages: ['A', 'C', 'D'] },
  { self: 'A', stages: ['D', 'E'] },
  { self: 'B', stages: ['C', 'D', 'E'] },
  { self: 'B', stages: ['E', 'C', 'E', 'F'] },
  { self: 'A', stages: ['F', 'B'] },
];

test('each answer alone is what all of them together are compared with', async () => {
  for (const index of ANSWERS.keys()) expect((await expectedOf(index)).length).toBe(TOKENS);
});

const known = new Map<number, Promise<readonly unknown[]>>();
function expectedOf(index: number): Promise<readonly unknown[]> {
  const alone = async () => {
    await using net = new StageNetworkTest(model, engines, index);
    return (await net.answer('A', net.plan('A', ['A']), { ...requestOf(index), speculation: 'off' })).tokens;
  };
  const answer = known.get(index) ?? alone();
  known.set(index, answer);
  return answer;
}

test.each([
  [1, undefined],
  [2, undefined],
  [3, undefined],
  [4, SMALL_LOG],
  [5, SMALL_LOG],
])('seed %i: five answers at once while nodes die, come back and lose each other', async (seed, logBytes) => {
  for (const index of ANSWERS.keys()) await expectedOf(index);
  const random = uniform(seed * 104_729);
  await using net = new StageNetworkTest(model, engines, seed, logBytes);
  // The pages of the beginning that all prompts share are there to be adopted.
  for (const { self, stages } of ANSWERS.slice(0, 3)) await net.answer(self, net.plan(self, stages), requestOf(7));
  const faults = new Set(Array.from({ length: 6 }, () => Math.floor(random() * 700)));
  const cancelled = Math.floor(random() * ANSWERS.length);
  const cancelAt = Math.floor(random() * 700);
  const abort = new AbortController();
  let first: number | null = null;
  net.network.onSent = (count) => {
    first ??= count;
    if (count - first === cancelAt) abort.abort(ANSWER_COMPLETE);
    if (faults.delete(count - first)) disturb(net, random);
  };
  const answers = ANSWERS.map(async ({ self, stages }, index) => {
    const signal = index === cancelled ? abort.signal : new AbortController().signal;
    try {
      return (await net.answer(self, net.plan(self, stages), requestOf(index), signal)).tokens;
    } catch (error) {
      if (error !== ANSWER_COMPLETE) throw error;
      return null;
    }
  });
  for (const [index, tokens] of (await Promise.all(answers)).entries()) {
    if (tokens !== null || index !== cancelled) expect(tokens, `answer ${index}`).toEqual(await expectedOf(index));
  }
  await expect.poll(() => net.leaks(), { timeout: 10_000 }).toEqual({});
});

/** Two neighbours lose their connection; or one or two nodes die at once, and come back empty. */
function disturb(net: StageNetworkTest, random: () => number): void {
  const alive = OTHERS.filter((id) => net.nodes.has(id));
  const pick = () => alive.splice(Math.floor(random() * alive.length), 1)[0] as PeerId;
  if (alive.length < 3) return;
  if (random() < 0.3) {
    net.network.disconnect(pick(), pick());
    return;
  }
  const victims = random() < 0.3 ? [pick(), pick()] : [pick()];
  const turns = Math.floor(random() * 200);
  for (const id of victims) net.kill(id);
  void (async () => {
    for (let turn = 0; turn < turns; turn++) await turnOfLoop();
    for (const id of victims) net.start(id);
  })();
}
