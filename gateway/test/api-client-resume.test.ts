import { ApiClient, type ChatCompletionChunk } from '@blyan/api';
import { describe, expect, test } from 'vitest';
import { JournalNet } from '../../packages/p2p/test/journal-net.ts';
import { chatBody, startGateway } from './harness.ts';
import { type Script, tokensOf } from './scripted-coordinator.ts';

const ANSWER = 'é large 강 of water 🌊.';
const USAGE = { stream_options: { include_usage: true } };

async function twoGateways(script: Script = {}) {
  const net = new JournalNet();
  const journals = { a: net.join('a'), b: net.join('b') };
  const a = await startGateway({ tokens: tokensOf(ANSWER), ...script }, { journal: journals.a, drainMs: 0 });
  const b = await startGateway({ tokens: tokensOf(ANSWER) }, { journal: journals.b });
  return { a, b, journals };
}

/** A fetch whose first streamed answer breaks off after so many bytes. */
function cutting(bytes: number, beforeResume: () => Promise<unknown>): typeof fetch {
  let isCut = false;
  return async (input, init) => {
    const isStream = init?.method === 'POST';
    if (!isStream && isCut) await beforeResume();
    const response = await fetch(input, init);
    if (!isStream || isCut || response.body === null) return response;
    isCut = true;
    let left = bytes;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.byteLength;
        if (left <= 0) controller.error(new TypeError('terminated'));
      },
    });
    return new Response(response.body.pipeThrough(cut), response);
  };
}

async function read(client: ApiClient) {
  const chunks: ChatCompletionChunk[] = [];
  for await (const chunk of client.streamChat(chatBody(USAGE))) chunks.push(chunk);
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
  return { text, chunks };
}

describe('an answer whose connection breaks goes on, and nothing comes twice', () => {
  test.each([1, 200, 333, 700, 1234, 2500, 4000, 5000])('after %i bytes', async (bytes) => {
    const { a, b, journals } = await twoGateways();
    const undisturbed = (await read(new ApiClient({ baseUrl: b.url }))).chunks;
    const resumed: string[] = [];
    const client = new ApiClient({
      baseUrl: [a.url, b.url],
      fetch: cutting(bytes, () => journals.a.settled()),
      onResume: (url) => resumed.push(url),
    });
    const { text, chunks } = await read(client);
    expect(text).toBe(ANSWER);
    const nameless = (all: readonly ChatCompletionChunk[]) => all.map(({ id: _, created: __, ...rest }) => rest);
    expect(nameless(chunks)).toEqual(nameless(undisturbed));
    expect(resumed).toEqual([a.url]);
  });

  test('at another gateway when the first one is gone', async () => {
    const { a, b, journals } = await twoGateways({ holdAt: 9 });
    const resumed: string[] = [];
    const client = new ApiClient({ baseUrl: [a.url, b.url], onResume: (url) => resumed.push(url) });
    let text = '';
    for await (const chunk of client.streamChat(chatBody())) {
      const before = text;
      text += chunk.choices[0]?.delta.content ?? '';
      if (before === '' && text !== '') {
        await journals.a.settled();
        await a.gateway.stop();
      }
    }
    expect(text).toBe(ANSWER);
    expect(resumed).toEqual([b.url]);
    // From now on it asks the one that answers.
    expect((await client.models()).data).toHaveLength(1);
    expect(b.coordinator.requests).toHaveLength(1);
  });
});

test('an answer whose client is gone is had whole by its request id, as often as one likes', async () => {
  const { a, journals } = await twoGateways({ holdAt: 5 });
  const client = new ApiClient({ baseUrl: a.url });
  let id = '';
  for await (const { choices } of client.streamChat(chatBody(), undefined, (begun) => {
    id = begun;
  }))
    if (choices[0]?.delta.content !== undefined) break;
  await journals.a.settled();
  a.coordinator.script = { tokens: tokensOf(ANSWER) };
  for (const _ of [1, 2]) {
    let text = '';
    for await (const { choices } of client.resumeChat(id)) text += choices[0]?.delta.content ?? '';
    expect(text).toBe(ANSWER);
  }
  expect(a.coordinator.requests).toHaveLength(2);
  const unknown = client.resumeChat('0'.repeat(32)).next();
  await expect(unknown).rejects.toMatchObject({ meta: { status: 404, serverCode: 'answer_not_found' } });
});

test('a gateway that cannot be reached at first is replaced by the next one', async () => {
  const { b } = await twoGateways();
  const client = new ApiClient({ baseUrl: ['http://127.0.0.1:9', b.url] });
  expect((await client.models()).data).toHaveLength(1);
  expect((await read(client)).text).toBe(ANSWER);
});

test('when nobody knows the answer any more, the error is the first one', async () => {
  const { url } = await startGateway({ tokens: tokensOf(ANSWER) });
  const client = new ApiClient({ baseUrl: url, fetch: cutting(700, async () => {}) });
  await expect(read(client)).rejects.toMatchObject({ code: 'ERR_API_BROKEN_ANSWER', cause: { message: 'terminated' } });
});

test('an answer that somebody else took over is left to them', async () => {
  const { a } = await twoGateways({ holdAt: 3 });
  let id = '';
  const noting: typeof fetch = async (...args) => {
    const response = await fetch(...args);
    id = response.headers.get('x-request-id') ?? '';
    return response;
  };
  const reading = read(new ApiClient({ baseUrl: a.url, fetch: noting }));
  const refused = expect(reading).rejects.toMatchObject({ meta: { serverCode: 'ERR_GATEWAY_ANSWER_TAKEN_OVER' } });
  while (a.coordinator.given < 3) await fetch(`${a.url}/healthz`);
  a.coordinator.script = { tokens: tokensOf(ANSWER) };
  await (await fetch(`${a.url}/api/v1/requests/${id}/stream`)).text();
  await refused;
});

test('an abort while it waits for the next attempt throws its reason', async () => {
  const { a } = await twoGateways();
  const controller = new AbortController();
  const failing = cutting(700, async () => {
    controller.abort(new Error('enough'));
    throw new TypeError('no route');
  });
  const client = new ApiClient({ baseUrl: a.url, fetch: failing });
  const streaming = async () => {
    for await (const _ of client.streamChat(chatBody(), controller.signal));
  };
  await expect(streaming()).rejects.toThrow('enough');
});
