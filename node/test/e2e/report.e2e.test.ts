import type { BlyanAnswer, BlyanRouteEntry, CompletionChunk } from '@blyan/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { greedyBody, PLAN_TYPES, type PlanType } from './answers.ts';
import { LocalNet } from './local-net.ts';

const TOKENS = 12;
const LAYERS = 4;
const PROMPT = 'What is a river?';

// The network of `npm start`: the genesis model over three daemons.
let net: LocalNet;
beforeAll(async () => {
  net = await LocalNet.start();
});
afterAll(() => net?.stop());

const report = async (plan: PlanType | 'auto'): Promise<BlyanAnswer> =>
  (await net.complete(greedyBody(PROMPT, plan, TOKENS))).blyan;
const peer = (index: number): string => net.nodes[index]?.peerId as string;
const sum = (entries: readonly BlyanRouteEntry[], of: 'calls' | 'ms') =>
  entries.reduce((total, entry) => total + entry[of], 0);
/** Layers whose experts a node hosts. */
async function layersOf(peerId: string): Promise<Set<number>> {
  const node = (await net.state()).nodes.find((one) => one.peerId === peerId);
  return new Set(node?.hosted.experts.map((label) => Number(label.split('.')[0])));
}

describe('what an answer reports', () => {
  test('unasked, all three daemons contribute', async () => {
    const blyan = await report('auto');
    expect(new Set(blyan.route?.map(({ peerId }) => peerId))).toEqual(new Set(net.nodes.map(({ peerId }) => peerId)));
    for (const entry of blyan.route ?? []) {
      expect(entry.calls).toBeGreaterThan(0);
      expect(entry.ms).toBeGreaterThan(0);
    }
  });

  test.each(PLAN_TYPES)('%s: exactly the documented fields, with positive times', async (plan) => {
    const { body } = await (async () => {
      const asked = { prompt: PROMPT, max_tokens: TOKENS, temperature: 0, ignore_eos: true, blyan: { plan } };
      return { body: await net.complete(asked) };
    })();
    const { blyan } = body;
    expect(Object.keys(blyan).sort()).toEqual([
      'cost',
      'failovers',
      'forecast',
      'measured',
      'plan',
      'profile',
      'route',
      'speculation',
    ]);
    expect(blyan.failovers).toEqual([]);
    expect(blyan.plan).toBe(plan);
    expect(blyan.profile).toBe((await net.state()).nodes[0]?.profile);
    for (const timing of [blyan.forecast, blyan.measured]) {
      expect(Object.keys(timing).sort()).toEqual(['msPerToken', 'msToFirstToken']);
      expect(timing.msToFirstToken).toBeGreaterThan(0);
      expect(timing.msPerToken).toBeGreaterThan(0);
    }
    for (const entry of blyan.route ?? []) {
      const where = entry.role === 'experts' ? 'experts' : 'layers';
      expect(Object.keys(entry).sort()).toEqual(['calls', where, 'ms', 'peerId', 'role'].sort());
    }
    const whole = await report(plan);
    expect(Object.keys(whole).sort()).toEqual([
      'cost',
      'failovers',
      'forecast',
      'logits',
      'measured',
      'plan',
      'profile',
      'route',
      'speculation',
      'token_ids',
    ]);
  });
});

describe('the route adds up', () => {
  test('local: one stage, a step per token', async () => {
    const { route } = await report('local');
    expect(route).toEqual([
      { peerId: peer(0), role: 'stage', layers: `0-${LAYERS - 1}`, calls: TOKENS, ms: expect.any(Number) },
    ]);
  });

  test('pipeline: stages cover every layer once, in order, each with a step per token, inside the time measured', async () => {
    const { route = [], measured } = await report('pipeline');
    let next = 0;
    for (const { role, layers, calls } of route) {
      const [first, last] = (layers as string).split('-').map(Number) as [number, number];
      expect([role, calls, first]).toEqual(['stage', TOKENS, next]);
      next = last + 1;
    }
    expect(next).toBe(LAYERS);
    expect(route.map(({ peerId }) => peerId)).toEqual(net.nodes.map(({ peerId }) => peerId));
    // The prompt fits one step, so at every moment at most one node computes.
    expect(sum(route, 'ms')).toBeLessThanOrEqual(measured.msToFirstToken + measured.msPerToken * (TOKENS - 1) + 0.1);
  });

  test('dynamic: the trunk here, one call per token for each layer whose experts are elsewhere', async () => {
    const { route = [], measured } = await report('dynamic');
    expect(route[0]).toMatchObject({ peerId: peer(0), role: 'stage', layers: `0-${LAYERS - 1}`, calls: TOKENS });
    await expectExpertCalls(route.slice(1), [1, 2]);
    expect(sum(route, 'ms')).toBeLessThanOrEqual(measured.msToFirstToken + measured.msPerToken * (TOKENS - 1) + 0.1);
  });

  test('static_delegate: the generation elsewhere, every miss a remote call', async () => {
    const { route = [] } = await report('static_delegate');
    const [delegate, ...misses] = route;
    expect(delegate).toMatchObject({ role: 'delegate', layers: `0-${LAYERS - 1}`, calls: TOKENS });
    expect(delegate?.peerId).not.toBe(peer(0));
    const others = [0, 1, 2].filter((index) => peer(index) !== delegate?.peerId);
    expect(sum(misses, 'calls')).toBeGreaterThan(0);
    await expectExpertCalls(misses, others);
  });

  async function expectExpertCalls(entries: readonly BlyanRouteEntry[], nodes: readonly number[]): Promise<void> {
    expect(new Set(entries.map(({ peerId }) => peerId))).toEqual(new Set(nodes.map(peer)));
    for (const { peerId, role, experts = [], calls, ms } of entries) {
      const layers = await layersOf(peerId);
      expect(role).toBe('experts');
      expect(calls).toBe(TOKENS * layers.size);
      expect(ms).toBeGreaterThan(0);
      expect(new Set(experts.map((label) => Number(label.split('.')[0])))).toEqual(layers);
      expect(experts).toHaveLength(new Set(experts).size);
    }
  }
});

describe('a stream', () => {
  const streamed = async (more: object): Promise<CompletionChunk[]> => {
    const chunks: CompletionChunk[] = [];
    for await (const chunk of net.stream({ ...more, stream_options: { include_usage: true } })) chunks.push(chunk);
    return chunks;
  };

  test.each(PLAN_TYPES)('%s: a chunk per token, then the report with the reason, then usage', async (plan) => {
    const whole = await net.complete(greedyBody(PROMPT, plan, TOKENS));
    const chunks = await streamed(greedyBody(PROMPT, plan, TOKENS));
    expect(chunks).toHaveLength(TOKENS + 2);
    const tokens = chunks.slice(0, TOKENS);
    expect(tokens.map(({ blyan }) => blyan?.token_id)).toEqual(whole.blyan.token_ids);
    expect(tokens.map(({ blyan }) => blyan?.logits)).toEqual(whole.blyan.logits);
    expect(tokens.map(({ choices }) => choices[0]?.finish_reason)).toEqual(Array(TOKENS).fill(null));
    expect(tokens.map(({ choices }) => choices[0]?.text).join('')).toBe(whole.choices[0]?.text);
    const [last, usage] = chunks.slice(TOKENS) as [CompletionChunk, CompletionChunk];
    expect(last.choices).toEqual([{ text: '', index: 0, logprobs: null, finish_reason: 'length' }]);
    expect(Object.keys(last.blyan ?? {}).sort()).toEqual(Object.keys(whole.blyan).sort());
    expect(last.blyan?.token_ids).toEqual(whole.blyan.token_ids);
    expect(usage).toMatchObject({ choices: [], usage: whole.usage });
    expect(usage.blyan).toBeUndefined();
  });
});

test('eight different requests at once, over all plans, give what each gives alone', async () => {
  const topics = ['river', 'mountain', 'king', 'bread', 'a very long winter night', 'stone', 'the sea', 'law'];
  const bodies = topics.map((topic, index) => ({
    ...greedyBody(`What is ${topic}?`, PLAN_TYPES[index % PLAN_TYPES.length] as PlanType, TOKENS + index),
    ...(index % 3 === 0 ? { temperature: 0.9, seed: index } : {}),
  }));
  const results = (answer: BlyanAnswer) => ({ plan: answer.plan, ids: answer.token_ids, logits: answer.logits });
  const alone = [];
  for (const body of bodies) alone.push(results((await net.complete(body)).blyan));
  const together = await Promise.all(bodies.map(async (body) => results((await net.complete(body)).blyan)));
  expect(together).toEqual(alone);
});
