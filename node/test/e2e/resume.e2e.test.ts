import { type CompletionChunk, readSseEvents, SSE_DONE, type SseEvent } from '@blyan/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench, type Daemon } from './daemon.ts';

let bench: Bench;
let second: Daemon;
beforeAll(async () => {
  bench = await Bench.create();
  for (const name of ['first', 'second', 'third']) await bench.provision(name, 'all');
  second = await bench.start('second', { host: 'all', gateway: true });
});
afterAll(() => bench?.[Symbol.asyncDispose]());

const BODY = {
  prompt: [5, 6, 7, 8],
  max_tokens: 400,
  temperature: 1,
  seed: 11,
  ignore_eos: true,
  stream: true,
  stream_options: { include_usage: true },
};

async function open(daemon: Daemon, body: object): Promise<Response> {
  const [model] = (await daemon.state()).models;
  const response = await fetch(`${daemon.ready.gateway}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer mine' },
    body: JSON.stringify({ model: model?.root, ...BODY, ...body }),
  });
  expect(response.status).toBe(200);
  return response;
}

const resume = (daemon: Daemon, id: string, after: number, bearer = 'mine') =>
  fetch(`${daemon.ready.gateway}/api/v1/requests/${id}/stream?after=${after}`, {
    headers: { authorization: `Bearer ${bearer}` },
  });

const eventsOf = (response: Response) =>
  readSseEvents(response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>);

async function all(response: Response): Promise<SseEvent[]> {
  expect(response.status).toBe(200);
  const events: SseEvent[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  expect(events.pop()?.data).toBe(SSE_DONE);
  return events;
}

/** What is the same whoever computes: position, text, tokens, reason and usage. */
const content = ({ data, lastEventId }: SseEvent) => {
  const { choices, usage, blyan } = JSON.parse(data) as CompletionChunk;
  return { lastEventId, choices, usage, tokens: blyan?.token_id ?? blyan?.token_ids };
};

test.each([
  'pipeline',
  'dynamic',
  'static_delegate',
  'local',
] as const)('kill -9 of the gateway in mid-answer (%s): another one goes on, every token the same and none twice', async (plan) => {
  const blyan = { plan, return_token_ids: true };
  const undisturbed = (await all(await open(second, { blyan }))).map(content);

  const first = await bench.start('first', {
    host: 'all',
    gateway: true,
    bootstrap: [second.ready.invite],
  });
  await first.untilState(({ nodes }) => nodes.length === 2 && nodes.every(({ hosted }) => hosted.blocks > 0));
  const response = await open(first, { blyan });
  const id = response.headers.get('x-request-id') ?? '';
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const seen: SseEvent[] = [];
  const reading = async () => {
    for await (const event of eventsOf(response)) {
      if (event.data === SSE_DONE) return;
      seen.push(event);
      if (seen.length === 10) first.program.kill('SIGKILL');
    }
  };
  await expect(reading()).rejects.toThrow();
  await first.program.exited;
  expect(seen.length).toBeLessThan(undisturbed.length);

  const after = Number(seen.at(-1)?.lastEventId);
  expect((await resume(second, id, after, 'other')).status).toBe(404);
  const rest = await all(await resume(second, id, after));
  expect([...seen, ...rest].map(content)).toEqual(undisturbed);
  // The same answer, not another one like it.
  const names = [...seen, ...rest].map(({ data }) => JSON.parse(data) as CompletionChunk);
  expect(new Set(names.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model}`)).size).toBe(1);
});
