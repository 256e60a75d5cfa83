import type { GenerateEvent, GenerateRequest, PeerId } from '@blyan/interface';
import { P2pError } from '@blyan/p2p';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openRandom, type TestEngine } from './harness.ts';
import { type LaneEngine, StageNetworkTest } from './stage-network.ts';

const TOKENS = 12;
const cleanup = new AsyncDisposableStack();
let model: TestEngine;
let engines: Map<PeerId, LaneEngine>;
let expected: number[];

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'mixtral', layerCount: 2 }));
  engines = StageNetworkTest.engines(model, ['A', 'B', 'C', 'D']);
  for (const { core } of engines.values()) cleanup.defer(() => core.stop());
  await using net = new StageNetworkTest(model, engines, 1);
  expected = tokensOf(await events(net, { plan: 'local' }));
  expect(expected).toHaveLength(TOKENS);
});
afterAll(() => cleanup.disposeAsync());

const request = (): GenerateRequest => ({
  requestId: 'f'.repeat(32),
  modelRoot: model.model.root,
  promptTokens: [5, 6, 7],
  maxTokens: TOKENS,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
  ignoreEos: true,
  plan: 'static_delegate',
  speculation: 'off',
});

async function events(net: StageNetworkTest, options: Partial<GenerateRequest> = {}, onToken = (_index: number) => {}) {
  const seen: GenerateEvent[] = [];
  const { coordinator } = net.nodes.get('A') ?? {};
  for await (const event of coordinator?.generate({ ...request(), ...options }, new AbortController().signal) ?? []) {
    seen.push(event);
    if (event.type === 'token') onToken(event.index);
  }
  return seen;
}

function tokensOf(seen: readonly GenerateEvent[]): number[] {
  return seen.flatMap((event) => (event.type === 'token' ? [event.tokenId] : []));
}

function failoversOf(seen: readonly GenerateEvent[]) {
  const last = seen.at(-1);
  return last?.type === 'done' ? last.failovers : null;
}

/** A network whose coordinator must have others compute. */
function away(seed: number): StageNetworkTest {
  const net = new StageNetworkTest(model, engines, seed);
  net.empty.add('A');
  return net;
}

/** The node answers `generate` as a test says. */
function answers(net: StageNetworkTest, id: PeerId, run: () => AsyncGenerator<unknown>): void {
  net.nodes.get(id)?.peer.handle('generate', { request: z.unknown() }, run);
}

/** The nodes with a stage open. */
const busy = (net: StageNetworkTest) => [...net.nodes.keys()].filter((id) => net.nodes.get(id)?.host.active !== 0);

test('a delegate dies in mid-answer: the tokens are the same, the gap is told', async () => {
  await using net = away(1);
  let victim: PeerId | undefined;
  const seen = await events(net, {}, (index) => {
    if (index !== 4) return;
    [victim] = busy(net);
    net.kill(victim as PeerId);
  });
  expect(tokensOf(seen)).toEqual(expected);
  const [failover, ...others] = failoversOf(seen) ?? [];
  expect(others).toEqual([]);
  expect(failover).toMatchObject({ peerId: victim, reason: 'gone' });
  expect(failover?.gapMs).toBeGreaterThan(0);
  expect(Object.values(failover?.rowsRecomputed ?? {})).toEqual([3 + (failover?.atToken ?? 0) - 1]);
  await expect.poll(() => net.leaks()).toEqual({});
});

test('of two delegates that are lost before a token comes, both are told with the gap', async () => {
  await using net = away(2);
  const asked: PeerId[] = [];
  for (const id of ['B', 'C', 'D']) {
    answers(net, id, async function* () {
      asked.push(id);
      if (asked.length <= 2) throw new P2pError('ERR_P2P_PEER_GONE', 'gone', { kind: 'peer' });
      for (const tokenId of expected) yield { type: 'token', token: { tokenId } };
      yield { type: 'end', finishReason: 'length', route: [], failovers: [], speculation: { drafted: 0, accepted: 0 } };
    });
  }
  const seen = await events(net);
  expect(tokensOf(seen)).toEqual(expected);
  const failovers = failoversOf(seen) ?? [];
  expect(failovers).toHaveLength(2);
  for (const { gapMs, atToken, rowsRecomputed } of failovers) {
    expect(gapMs).toBeGreaterThan(0);
    expect(atToken).toBe(0);
    expect(rowsRecomputed).toEqual({ [asked[2] as string]: 2 });
  }
});

test('delegates that always fail are not asked for ever', async () => {
  await using net = away(3);
  for (const id of ['C', 'D']) net.kill(id);
  let asked = 0;
  answers(net, 'B', async function* () {
    asked++;
    yield { type: 'opened' };
    throw new P2pError('ERR_P2P_HANDLER', 'no', { kind: 'peer' });
  });
  await expect(events(net)).rejects.toMatchObject({ code: 'ERR_INFERENCE_STAGE' });
  expect(asked).toBeLessThan(20);
});

test('a delegate that dies behind the last token costs nothing', async () => {
  await using net = away(4);
  for (const id of ['B', 'C', 'D']) {
    answers(net, id, async function* () {
      for (const tokenId of expected) yield { type: 'token', token: { tokenId } };
      throw new P2pError('ERR_P2P_PEER_GONE', 'gone', { kind: 'peer' });
    });
  }
  const seen = await events(net);
  expect(tokensOf(seen)).toEqual(expected);
  expect(seen.at(-1)).toMatchObject({ type: 'done', finishReason: 'length' });
});

test('a token outside the vocabulary is not passed on', async () => {
  await using net = away(5);
  let liar: PeerId | undefined;
  for (const id of ['B', 'C', 'D']) {
    const { peer } = net.nodes.get(id) ?? {};
    const honest = peer?.handler('generate');
    answers(net, id, async function* (...args: unknown[]) {
      liar ??= id;
      if (liar === id) yield { type: 'token', token: { tokenId: 1_000_000 } };
      else yield* (honest as (...args: unknown[]) => AsyncGenerator<unknown>)(...args);
    } as () => AsyncGenerator<unknown>);
  }
  const seen = await events(net);
  expect(tokensOf(seen)).toEqual(expected);
  expect(failoversOf(seen)).toMatchObject([{ peerId: liar, reason: 'garbage' }]);
});
