import { join } from 'node:path';
import { RECORD_TTL_MS } from '@blyan/params';
import { temporaryDirectory, writeRandomCheckpoint } from '@blyan/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { greedy, greedyBody, PLAN_TYPES, type PlanType } from './answers.ts';
import { Devnet } from './devnet.ts';

const CONTEXT = 32_768;
const SUSPENDED = 2;

/**
 * Both experts of every layer answer for every token, and they are on two nodes. A sequence of the whole context takes
 * 320 MiB of KV memory, so that a few that are not freed fill the largest cache a node ever has (2 GiB).
 */
let dir: Awaited<ReturnType<typeof temporaryDirectory>>;
let net: Devnet;
beforeAll(async () => {
  dir = await temporaryDirectory();
  const model = join(dir.path, 'checkpoint');
  await writeRandomCheckpoint({
    dir: model,
    ...{ architecture: 'mixtral', hiddenSize: 64, layerCount: 2, headCount: 4, kvHeadCount: 4, headDim: 160 },
    ...{ expertCount: 2, expertsPerToken: 2, expertFfnSize: 32, contextLength: CONTEXT, seed: 5 },
  });
  net = await Devnet.start({ model, hosts: ['embedding,trunk,head', 'trunk,experts:*.0', 'trunk,experts:*.1'] });
});
afterAll(async () => {
  await net?.stop();
  await dir?.[Symbol.asyncDispose]();
});

const PROMPT = [10, 20, 30, 40];

/** Every node has said, after this call began, that it computes nothing. */
async function untilIdle(): Promise<void> {
  const since = Date.now();
  const issuedAt = ({ expiresInMs }: { expiresInMs: number }) => Date.now() + expiresInMs - RECORD_TTL_MS;
  const busy = async () => {
    const { nodes } = await net.state();
    return nodes.map((node) => (issuedAt(node) < since ? 'not heard of yet' : node.active));
  };
  await expect.poll(busy, { timeout: 60_000, interval: 100 }).toEqual([0, 0, 0]);
}

/** Until `resume`, or the end of the test. */
function suspend(): void {
  onTestFinished(resume);
  net.signalNode(SUSPENDED, 'SIGSTOP');
}
const resume = () => net.signalNode(SUSPENDED, 'SIGCONT');

const answering = () => net.metric('blyan_gateway_answers_active');
const cancelled = async () =>
  (await net.metric('blyan_gateway_answers_total{route="completions",outcome="cancelled"}')) ?? 0;

test('a suspended holder of experts stalls the answer, which goes on as if nothing had been', async () => {
  const count = 300;
  const body = { ...greedyBody(PROMPT, 'dynamic', count), blyan: { plan: 'dynamic', return_token_ids: true } };
  const wanted = await net.complete(body);
  // Fetches the experts, so that the node can answer alone while the other one sleeps.
  const alone = await greedy(net, PROMPT, 'local', 8);
  const seen: number[] = [];
  const reached = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const { blyan } of net.stream(body)) {
      if (blyan?.token_id === undefined) continue;
      seen.push(blyan.token_id);
      if (seen.length === 5) reached.resolve();
    }
  })();
  await reached.promise;
  suspend();
  // What was on its way when the signal came has arrived when a whole other answer has.
  const elsewhere = async () => {
    expect((await greedy(net, PROMPT, 'local', 8)).tokens).toEqual(alone.tokens);
    for (let round = 0; round < 3; round++) expect((await net.request('/healthz')).status).toBe(200);
    return seen.length;
  };
  const before = await elsewhere();
  const after = await elsewhere();
  expect(after).toBe(before);
  expect(after).toBeLessThan(count);
  resume();
  await reading;
  expect(seen).toEqual(wanted.blyan.token_ids);
});

describe('an answer nobody waits for any more is cancelled everywhere', () => {
  const everything = (plan: PlanType) => ({
    ...greedyBody(PROMPT, plan, CONTEXT - PROMPT.length),
    blyan: { plan, return_token_ids: true },
  });

  test('when the openai client leaves the loop', async () => {
    const client = new OpenAI({ baseURL: `${net.gateway}/v1`, apiKey: 'unused' });
    const model = (await client.models.list()).data[0]?.id as string;
    for (const plan of PLAN_TYPES) {
      const stream = await client.completions.create({
        model,
        ...everything(plan),
        stream: true,
      } as never as OpenAI.CompletionCreateParamsStreaming);
      let tokens = 0;
      for await (const _ of stream) if (++tokens === 3) break;
      expect(tokens).toBe(3);
    }
    await untilIdle();
  });

  test('while it computes the prompt', async () => {
    const before = await cancelled();
    const controller = new AbortController();
    // The prompt cannot get past the first layer.
    suspend();
    const prompt = Array.from({ length: 3_000 }, (_, i) => 4 + (i % 250));
    const refused = expect(
      net.complete({ ...greedyBody(prompt, 'dynamic', 8), blyan: { plan: 'dynamic' } }, controller.signal),
    ).rejects.toThrow();
    await expect.poll(answering, { timeout: 20_000 }).toBe(1);
    controller.abort();
    await refused;
    await expect.poll(answering, { timeout: 20_000 }).toBe(0);
    expect(await cancelled()).toBe(before + 1);
    resume();
  });

  test('a hundred times over, at any moment, without a trace', async () => {
    for (let round = 0; round < 100; round++) {
      const plan = PLAN_TYPES[round % PLAN_TYPES.length] as PlanType;
      const controller = new AbortController();
      const stream = net.stream(everything(plan), controller.signal);
      if (round % 5 > 2) {
        let tokens = 0;
        for await (const _ of stream) if (++tokens === round % 5) break;
        continue;
      }
      // At once, or when the gateway has answered somebody once or twice: before and while anything comes of it.
      const reading = async () => {
        for await (const _ of stream);
      };
      const broken = expect(reading()).rejects.toThrow();
      for (let others = 0; others < round % 5; others++) await net.request('/healthz');
      controller.abort();
      await broken;
    }
    await untilIdle();
    expect(await answering()).toBe(0);
    // The memory is there for sequences of the whole context again.
    for (const plan of PLAN_TYPES) {
      for await (const { blyan } of net.stream(everything(plan))) {
        expect(blyan?.token_id).toBeTypeOf('number');
        break;
      }
    }
  });
});
