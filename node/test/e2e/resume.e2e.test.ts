import { ApiClient, type CompletionChunk, readSseEvents, SSE_DONE, type SseEvent, type StateAnswer } from '@blyan/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench, type Daemon } from './daemon.ts';

let bench: Bench;
let second: Daemon;
let third: Daemon;
beforeAll(async () => {
  bench = await Bench.create();
  for (const name of ['first', 'second', 'third']) await bench.provision(name, 'all');
  second = await bench.start('second', { host: 'all', gateway: true });
  third = await bench.start('third', { host: 'all', gateway: true, bootstrap: [second.ready.invite] });
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

const ask = (daemon: Daemon, body: object) =>
  fetch(`${daemon.ready.gateway}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer mine' },
    body: JSON.stringify({ model: bench.manifest.root, ...BODY, ...body }),
  });

async function open(daemon: Daemon, body: object): Promise<Response> {
  const response = await ask(daemon, body);
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

/** The first events; then the client is gone. */
async function some(response: Response, count: number): Promise<SseEvent[]> {
  expect(response.status).toBe(200);
  const events: SseEvent[] = [];
  for await (const event of eventsOf(response)) if (events.push(event) === count) break;
  return events;
}

/** What is the same whoever computes: position, text, tokens, reason and usage. */
const content = ({ data, lastEventId }: SseEvent) => {
  const { choices, usage, blyan } = JSON.parse(data) as CompletionChunk;
  return { lastEventId, choices, usage, tokens: blyan?.token_id ?? blyan?.token_ids };
};

/** A gateway that knows the two others. */
async function startFirst(args: readonly string[] = []): Promise<Daemon> {
  const first = await bench.start('first', { host: 'all', gateway: true, bootstrap: [second.ready.invite], args });
  const isKnown = ({ hosted, rttMs, registered }: StateAnswer['nodes'][number]) =>
    hosted.blocks > 0 && rttMs !== null && registered !== false;
  await first.untilState(({ nodes }) => nodes.length === 3 && nodes.every(isKnown));
  return first;
}

test.each([
  'pipeline',
  'dynamic',
  'static_delegate',
  'local',
] as const)('kill -9 of the gateway in mid-answer (%s): others go on, every token the same and none twice', async (plan) => {
  const blyan = { plan, return_token_ids: true };
  const undisturbed = (await all(await open(second, { blyan }))).map(content);

  const first = await startFirst();
  const response = await open(first, { blyan });
  const id = response.headers.get('x-request-id') ?? '';
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const seen: SseEvent[] = [];
  const reading = async () => {
    for await (const event of eventsOf(response)) {
      if (event.data === SSE_DONE) return;
      if (seen.push(event) === 10) first.program.kill('SIGKILL');
    }
  };
  await expect(reading()).rejects.toThrow();
  await first.program.exited;
  expect(seen.length).toBeLessThan(undisturbed.length);

  // One of the two has the copy, the other one has to ask.
  const last = () => Number(seen.at(-1)?.lastEventId);
  expect((await resume(second, id, last(), 'other')).status).toBe(404);
  seen.push(...(await some(await resume(second, id, last()), 20)));
  seen.push(...(await some(await resume(third, id, last()), 20)));
  seen.push(...(await all(await resume(second, id, last()))));
  expect(seen.map(content)).toEqual(undisturbed);
  // The same answer, not another one like it.
  const names = seen.map(({ data }) => JSON.parse(data) as CompletionChunk);
  expect(new Set(names.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model}`)).size).toBe(1);
});

/** The events until the gateway, told to stop behind the tenth, closes the stream; and what a new client is told meanwhile. */
async function stopInMidAnswer(first: Daemon, body: object) {
  const response = await open(first, body);
  const seen: SseEvent[] = [];
  let refused: Promise<Response> | undefined;
  for await (const event of eventsOf(response)) {
    seen.push(event);
    if (seen.length !== 10) continue;
    first.program.kill('SIGTERM');
    refused = untilDraining(first).then(() => ask(first, BODY));
  }
  const { status, headers } = (await refused) as Response;
  return { id: response.headers.get('x-request-id') ?? '', seen, refused: [status, headers.has('retry-after')] };
}

async function untilDraining({ ready }: Daemon): Promise<void> {
  while ((await fetch(`${ready.gateway}/readyz`)).status !== 503);
}

test('SIGTERM in mid-answer: the answer is finished in the time to drain, new ones are told to come again', async () => {
  const body = { max_tokens: 1_000, blyan: { plan: 'pipeline', return_token_ids: true } };
  const undisturbed = (await all(await open(second, body))).map(content);
  const first = await startFirst(['--drain-ms', '60000']);
  const { seen, refused } = await stopInMidAnswer(first, body);
  expect(refused).toEqual([503, true]);
  expect(seen.pop()?.data).toBe(SSE_DONE);
  expect(seen.map(content)).toEqual(undisturbed);
  expect(await first.program.exited).toEqual({ code: 0, signal: null });
});

test('SIGTERM and no time to drain: the answer is resumed at the gateway that comes after', async () => {
  const body = { max_tokens: 1_000, blyan: { plan: 'pipeline', return_token_ids: true } };
  const undisturbed = (await all(await open(second, body))).map(content);
  const first = await startFirst(['--drain-ms', '100']);
  const { id, seen } = await stopInMidAnswer(first, body);
  expect(JSON.parse(seen.pop()?.data ?? '')).toMatchObject({ error: { code: 'ERR_GATEWAY_STOPPING' } });
  await first.program.exited;
  const next = await startFirst();
  seen.push(...(await all(await resume(next, id, Number(seen.at(-1)?.lastEventId)))));
  expect(seen.map(content)).toEqual(undisturbed);
  await next.program.stop();
});

test('the typed client notices nothing but where its answer comes from', async () => {
  const request = {
    model: (await second.state()).models[0]?.root ?? '',
    messages: [{ role: 'user' as const, content: 'What is a river?' }],
    max_tokens: 400,
    temperature: 0,
    ignore_eos: true,
  };
  const textOf = async (client: ApiClient, onText: (text: string) => void) => {
    let text = '';
    for await (const chunk of client.streamChat(request)) {
      text += chunk.choices[0]?.delta.content ?? '';
      onText(text);
    }
    return text;
  };
  const url = ({ ready }: Daemon) => ready.gateway;
  const undisturbed = await textOf(new ApiClient({ baseUrl: url(second) }), () => {});
  const first = await startFirst();
  const resumed: string[] = [];
  const client = new ApiClient({
    baseUrl: [url(first), url(second)],
    onResume: (where) => resumed.push(where),
  });
  const text = await textOf(client, (soFar) => {
    if (soFar.length > 20 && first.program.isRunning) first.program.kill('SIGKILL');
  });
  expect(text).toBe(undisturbed);
  expect(resumed).toEqual([url(second)]);
});
