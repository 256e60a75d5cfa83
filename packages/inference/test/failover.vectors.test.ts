import type { GenerateRequest, PeerId } from '@blyan/interface';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PlanRun } from '../src/executor/plan-run.ts';
import type { SampledToken } from '../src/messages.ts';
import { decodeStep } from '../src/wire.ts';
import { openRandom, type TestEngine } from './harness.ts';
import { turnOfLoop } from './memory-network.ts';
import { uniform } from './noise.ts';
import { type Answer, type LaneEngine, StageNetworkTest, type TestNode } from './stage-network.ts';

const IDS: readonly PeerId[] = ['A', 'B', 'C', 'D', 'E'];
const OTHERS = IDS.slice(1);
/** Tokens of the whole answer, and those that are known when the disturbed one begins: text to draft from. */
const TOKENS = 72;
const KNOWN = 48;

const seeds = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

function promptOf(seed: number): number[] {
  const next = uniform(seed);
  return Array.from({ length: 4 }, () => Math.floor(next() * 250));
}

function requestOf(model: TestEngine, seed: number, options: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    requestId: seed.toString(16).padStart(32, '0'),
    modelRoot: model.model.root,
    promptTokens: promptOf(seed),
    maxTokens: TOKENS,
    // Text that goes round, or takes one of two ways at every token: drafts stand, and fall.
    sampling: { temperature: seed % 4 === 0 ? 0 : 0.5, topK: 2, topP: 1, seed },
    ignoreEos: true,
    returnLogits: 'sha256',
    plan: 'pipeline',
    speculation: 'off',
    ...options,
  };
}

type Fault = (net: StageNetworkTest, victim: PeerId, random: () => number) => void;

const FAULTS: Record<string, Fault> = {
  dies: (net, victim) => net.kill(victim),
  'comes back empty': (net, victim, random) => {
    net.kill(victim);
    const turns = Math.floor(random() * 40);
    void (async () => {
      for (let turn = 0; turn < turns; turn++) await turnOfLoop();
      net.start(victim);
    })();
  },
  'hangs for a while': (net, victim) => {
    const peer = net.nodes.get(victim)?.peer;
    peer?.hang();
    setTimeout(() => peer?.resume(), 900);
  },
  'loses a connection': (net, victim, random) => {
    const others = OTHERS.filter((id) => id !== victim && net.nodes.has(id));
    net.network.disconnect(victim, others[Math.floor(random() * others.length)] as PeerId);
  },
  'loses a lane': (net, victim, random) => {
    const others = IDS.filter((id) => id !== victim && net.nodes.has(id));
    const other = others[Math.floor(random() * others.length)] as PeerId;
    const [one, two] = random() < 0.5 ? [victim, other] : [other, victim];
    net.nodes.get(one)?.lanes.disconnected(two);
    afterTurns(Math.floor(random() * 30), () => net.nodes.get(two)?.lanes.disconnected(one));
  },
  'sends what is no number': (net, victim) => {
    garble(net, victim, (body) => {
      new DataView(body.buffer).setFloat32(body.byteLength - 4, Number.NaN, true);
      return body;
    });
  },
  'sends half a row': (net, victim) => garble(net, victim, (body) => body.slice(0, body.byteLength - 8)),
};

function afterTurns(turns: number, work: () => void): void {
  setImmediate(() => (turns > 0 ? afterTurns(turns - 1, work) : work()));
}

/** Changes the next frame of a node. */
function garble(net: StageNetworkTest, victim: PeerId, change: (body: Uint8Array) => Uint8Array): void {
  const before = net.network.onFrame;
  let isDone = false;
  net.network.onFrame = (from, to, body) => {
    const sent = before(from, to, body);
    if (from !== victim || isDone || sent === null) return sent;
    isDone = true;
    return change(sent);
  };
}

/** An output frame with another last value. */
function changed(answer: unknown, value: number): Uint8Array {
  const bytes = new Uint8Array(Buffer.concat(answer as Uint8Array[]));
  new DataView(bytes.buffer).setFloat32(bytes.byteLength - 4, value, true);
  return bytes;
}

/** Doubles some frames at once, and sends some a second time when others have passed them. */
function repeat(net: StageNetworkTest, random: () => number): void {
  const held: (() => void)[] = [];
  net.network.onFrame = (from, to, body) => {
    const again = () => void net.network.send(from, to, (peer) => peer.receive('step', body, from)).catch(() => {});
    if (random() < 0.1) setImmediate(again);
    if (random() < 0.1) held.push(again);
    if (held.length > 3) held.shift()?.();
    return body;
  };
}

describe.each(['f32', 'i8'] as const)('%s', (dtype) => {
  const cleanup = new AsyncDisposableStack();
  let model: TestEngine;
  let engines: Map<PeerId, LaneEngine>;

  beforeAll(async () => {
    const dir = cleanup.use(await temporaryDirectory());
    model = cleanup.use(
      await openRandom(dir.path, { architecture: 'mixtral', layerCount: 4, residualGain: 0.02 }, { dtype }),
    );
    engines = StageNetworkTest.engines(model, IDS);
    for (const { core } of engines.values()) cleanup.defer(() => core.stop());
  });
  afterAll(() => cleanup.disposeAsync());

  async function undisturbed(seed: number): Promise<Answer> {
    await using net = new StageNetworkTest(model, engines, seed);
    return await net.answer('A', net.plan('A', ['A']), requestOf(model, seed));
  }

  // In these texts several drafts fall, however fast the machine is.
  test.each([7, 9, 10])('seed %d, the last stage dies when a draft has fallen', async (seed) => {
    const expected = await undisturbed(seed);
    await using net = new StageNetworkTest(model, engines, seed);
    let epoch = 0;
    let fallen = 0;
    net.network.onFrame = (_from, to, body) => {
      const frame = decodeStep(body);
      // Stages behind the first have the row of the draft, and not yet the one that replaces it.
      if (to === 'B' && frame.epoch > epoch && epoch > 0 && fallen++ === 0) setImmediate(() => net.kill('D'));
      epoch = Math.max(epoch, frame.epoch);
      return body;
    };
    const committedTokens = expected.tokens.slice(0, KNOWN).map(({ tokenId }) => tokenId);
    const request = requestOf(model, seed, { speculation: 'ngram', committedTokens });
    const answer = await net.answer('A', net.plan('A', ['B', 'C', 'D']), request);
    expect(fallen).toBeGreaterThan(0);
    expect(answer.tokens).toEqual(expected.tokens.slice(KNOWN));
    await expect.poll(() => net.leaks(), { timeout: 10_000 }).toEqual({});
  });

  test.each([
    ['B', { C: 0, D: 1 }],
    ['C', { B: 0, D: 1 }],
    ['D', { B: 0, C: 0 }],
  ] as const)('without %s, the others compute no row twice but the last stage the one under way', async (lost, twice) => {
    const expected = await undisturbed(1);
    await using net = new StageNetworkTest(model, engines, 1);
    const plan = net.plan('A', ['B', 'C', 'D']);
    const answer = await net.answer('A', plan, requestOf(model, 1), undefined, (count) => {
      if (count === 20) net.kill(lost);
    });
    expect(answer.tokens).toEqual(expected.tokens);
    const [failover, ...others] = answer.report.failovers;
    expect(others).toEqual([]);
    // The prompt, and every token but the last.
    const rows = promptOf(1).length + TOKENS - 1;
    for (const [id, most] of Object.entries(twice)) {
      const computed = net.nodes.get(id)?.engine.rows ?? 0;
      expect(computed).toBeGreaterThanOrEqual(rows);
      expect(computed).toBeLessThanOrEqual(rows + most);
    }
    // What the lost one had computed, by who has taken its place.
    const atRow = promptOf(1).length - 1 + (failover?.atToken ?? 0);
    const again = Object.entries(failover?.rowsRecomputed ?? {}).filter(([, count]) => count > 0);
    expect(again.map(([, count]) => count)).toEqual([atRow]);
    expect(Object.keys(twice)).not.toContain(again[0]?.[0]);
  });

  test.each([
    ['embed', (answer: unknown) => changed(answer, Number.NaN)],
    ['sample', () => [{ tokenId: 1_000_000, logits: '' }]],
    ['sample', (answer: unknown) => [...(answer as unknown[]), ...(answer as unknown[])]],
  ])('the node of an end that answers %s with what cannot be is replaced, and nobody else', async (lie, answerOf) => {
    const expected = await undisturbed(1);
    await using net = new StageNetworkTest(model, engines, 1);
    net.network.onAnswer = (from, method, answer) => (from === 'E' && method === lie ? answerOf(answer) : answer);
    const committedTokens = expected.tokens.slice(0, KNOWN).map(({ tokenId }) => tokenId);
    const request = requestOf(model, 1, { speculation: 'ngram', committedTokens });
    const answer = await net.answer('A', net.plan('A', ['B', 'C'], { embedding: 'E', head: 'E' }), request);
    expect(answer.tokens).toEqual(expected.tokens.slice(KNOWN));
    expect(net.blamed.map(({ peerId }) => peerId)).toEqual(['E']);
    expect(answer.report.failovers).toMatchObject([{ peerId: 'E' }]);
    await expect.poll(() => net.leaks(), { timeout: 10_000 }).toEqual({});
  });

  test.each(seeds(6))('seed %d, nobody is given up where nothing fails', async (seed) => {
    const expected = await undisturbed(seed);
    await using net = new StageNetworkTest(model, engines, seed);
    const committedTokens = expected.tokens.slice(0, KNOWN).map(({ tokenId }) => tokenId);
    const plan = net.plan('A', seed < 4 ? ['A', 'B', 'C'] : ['B', 'C', 'D']);
    const answer = await net.answer('A', plan, requestOf(model, seed, { speculation: 'ngram', committedTokens }));
    expect(answer.tokens).toEqual(expected.tokens.slice(KNOWN));
    expect([answer.report.failovers, net.blamed]).toEqual([[], []]);
  });

  test.each([
    ['A', 'B'],
    ['B', 'A'],
  ])('a lane that closes, which %s hears of before %s, does not take its stage from the coordinator', async (one, other) => {
    const expected = await undisturbed(5);
    await using net = new StageNetworkTest(model, engines, 5);
    for (const id of ['C', 'D', 'E']) net.kill(id);
    const answer = await net.answer('A', net.plan('A', ['A', 'B']), requestOf(model, 5), undefined, (count) => {
      if (count !== 20) return;
      net.nodes.get(one)?.lanes.disconnected(other);
      // When what the first said of it has been heard.
      afterTurns(40, () => net.nodes.get(other)?.lanes.disconnected(one));
    });
    expect(answer.tokens).toEqual(expected.tokens);
    expect(answer.report.failovers).toMatchObject([{ peerId: 'B', reason: 'gone', atToken: 20 }]);
    await expect.poll(() => net.leaks(), { timeout: 10_000 }).toEqual({});
  });

  test('no token is drawn twice by the engine while who reads the answer is slow', async () => {
    const expected = await undisturbed(5);
    await using net = new StageNetworkTest(model, engines, 5);
    const { engine, deps } = net.nodes.get('A') as TestNode;
    const drawn: number[] = [];
    const sample = engine.sample.bind(engine);
    engine.sample = (request) => {
      if ('awaited' in request.hidden) drawn.push(request.position);
      return sample(request);
    };
    const { signal } = new AbortController();
    const plan = net.plan('A', ['A', 'B']);
    const run = new PlanRun({ self: 'A', plan, model: model.model, request: requestOf(model, 5), signal }, deps);
    const tokens: SampledToken[] = [];
    await run.open();
    for await (const token of run.tokens()) {
      // Long enough for the next one to be drawn.
      for (let turn = 0; tokens.length === 20 && turn < 60; turn++) await turnOfLoop();
      tokens.push(token);
    }
    await run.close();
    expect(tokens).toEqual(expected.tokens);
    expect(drawn).toEqual([...new Set(drawn)]);
    expect(drawn.length).toBeGreaterThan(TOKENS - 8);
  });

  for (const speculation of ['off', 'ngram'] as const) {
    for (const seed of seeds(dtype === 'f32' ? 6 : 2)) {
      test(`seed ${seed}, speculation ${speculation}`, async () => {
        const expected = await undisturbed(seed);
        const random = uniform(seed * 7919);
        await using net = new StageNetworkTest(model, engines, seed);
        repeat(net, random);
        const order = OTHERS.map((id) => ({ id, at: random() })).sort((a, b) => a.at - b.at);
        const used = order.slice(0, 2 + Math.floor(random() * 2)).map(({ id }) => id);
        const stages = random() < 0.5 ? used : ['A', ...used.slice(0, 2)];
        const kinds = Object.keys(FAULTS);
        const moments = Array.from({ length: 2 + Math.floor(random() * 3) }, () => Math.floor(random() * 130));
        const done: string[] = [];
        net.network.onSent = (count) => {
          if (!moments.includes(count)) return;
          // Somebody else must be there to go on.
          const alive = OTHERS.filter((id) => net.nodes.has(id));
          const busy = alive.filter((id) => net.nodes.get(id)?.host.active !== 0);
          const among = busy.length > 0 && random() < 0.8 ? busy : alive;
          const victim = among[Math.floor(random() * among.length)] as PeerId;
          const kind = kinds[Math.floor(random() * kinds.length)] as string;
          if (alive.length < 2) return;
          done.push(`${victim} ${kind} at ${count}`);
          (FAULTS[kind] as Fault)(net, victim, random);
        };
        const committedTokens = expected.tokens.slice(0, KNOWN).map(({ tokenId }) => tokenId);
        const request = requestOf(model, seed, { speculation, committedTokens });
        const end = () => (random() < 0.6 ? 'A' : (used[Math.floor(random() * used.length)] as PeerId));
        const plan = net.plan('A', stages, { embedding: end(), head: end() });
        const answer = await net.answer('A', plan, request);
        expect(answer.tokens, done.join()).toEqual(expected.tokens.slice(KNOWN));
        await expect.poll(() => net.leaks(), { timeout: 10_000 }).toEqual({});
      });
    }
  }
});
