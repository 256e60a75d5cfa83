import type { ApiErrorBody } from '@blyan/api';
import { expect, onTestFinished, test } from 'vitest';
import { Bench, type Daemon } from './daemon.ts';

/** 81 pages of 32 positions: 3 layers, 2 key heads and 2 value heads of 16 values. */
const KV_BUDGET = 81 * 32 * 3 * (2 + 2) * 16 * 4;
/** An answer that is under way for the whole test, unless it is given up. */
const LONG = 2_000;

async function start(): Promise<Daemon> {
  const bench = await Bench.create();
  onTestFinished(() => bench[Symbol.asyncDispose]());
  await bench.provision('a', 'all');
  const args = ['--max-streams', '2', '--kv-budget', String(KV_BUDGET)];
  return bench.start('a', { host: 'all', gateway: true, args });
}

test('what does not fit now is told when to come again, what never fits is told so', async () => {
  const daemon = await start();
  const [model] = (await daemon.state()).models;
  const ask = (maxTokens: number, more: { stream?: boolean; signal?: AbortSignal } = {}) => {
    const { stream = false, signal } = more;
    const body = { model: model?.root, prompt: [5, 6, 7], max_tokens: maxTokens, ignore_eos: true, stream };
    const headers = { 'content-type': 'application/json' };
    return fetch(`${daemon.ready.gateway}/v1/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal,
    });
  };
  const refusal = async (maxTokens: number) => {
    const response = await ask(maxTokens);
    const { code, type } = ((await response.json()) as ApiErrorBody).error;
    return [response.status, code, type, response.headers.has('retry-after')];
  };
  /** Begins an answer and waits for its first token. */
  const begin = async (maxTokens: number) => {
    const abort = new AbortController();
    const response = await ask(maxTokens, { stream: true, signal: abort.signal });
    expect((await response.body?.getReader().read())?.done).toBe(false);
    return () => abort.abort();
  };

  expect(await refusal(3_000)).toEqual([400, 'ERR_INFERENCE_KV_BUDGET', 'invalid_request_error', false]);
  const giveUp = await begin(LONG);
  expect(await refusal(1_000)).toEqual([503, 'ERR_INFERENCE_BUSY', 'overloaded_error', true]);
  const giveUpOther = await begin(500);
  expect(await refusal(1)).toEqual([429, 'ERR_GATEWAY_TOO_MANY_ANSWERS', 'rate_limit_error', true]);
  giveUp();
  giveUpOther();
  await expect.poll(async () => (await ask(1_000)).status, { timeout: 20_000 }).toBe(200);
});
