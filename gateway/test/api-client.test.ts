import { once } from 'node:events';
import { createServer } from 'node:http';
import { ApiClient } from '@blyan/api';
import { AppError } from '@blyan/interface';
import { expect, onTestFinished, test } from 'vitest';
import { chatBody, startGateway } from './harness.ts';
import { tokensOf } from './scripted-coordinator.ts';

test('the typed client lists models, reads the state and chats', async () => {
  const { url, coordinator } = await startGateway();
  const client = new ApiClient({ baseUrl: `${url}/` });
  expect((await client.models()).data[0]?.id).toBe('golden');
  expect((await client.state()).nodes).toHaveLength(coordinator.state().nodes.length);
  expect((await client.chat(chatBody())).choices[0].message.content).toBe('a large natural stream of water');
  let text = '';
  let plan: unknown;
  for await (const chunk of client.streamChat(chatBody())) {
    text += chunk.choices[0]?.delta.content ?? '';
    plan = chunk.blyan?.plan ?? plan;
  }
  expect([text, plan]).toEqual(['a large natural stream of water', 'pipeline']);
});

test('it throws what the gateway says, before and within a stream', async () => {
  const { url, coordinator } = await startGateway();
  const client = new ApiClient({ baseUrl: url });
  await expect(client.chat(chatBody({ n: 3 }))).rejects.toMatchObject({
    code: 'ERR_API_REFUSED',
    meta: { status: 400, param: 'n', serverCode: 'unsupported_parameter', requestId: expect.any(String) },
  });
  class PeerError extends AppError {}
  coordinator.script = { refuse: new PeerError('ERR_X_BUSY', 'Too much to do.', { kind: 'peer' }) };
  await expect(client.chat(chatBody())).rejects.toMatchObject({ meta: { status: 503, retryAfterSeconds: 1 } });
  const error = new PeerError('ERR_X_PEER_GONE', 'A node is gone.', { kind: 'peer' });
  coordinator.script = { tokens: tokensOf('abc'), failAt: { index: 1, error } };
  let text = '';
  const streaming = async () => {
    for await (const chunk of client.streamChat(chatBody())) text += chunk.choices[0]?.delta.content ?? '';
  };
  await expect(streaming()).rejects.toMatchObject({
    code: 'ERR_API_REFUSED',
    kind: 'peer',
    message: 'A node is gone.',
  });
  expect(text).toBe('a');
});

test('leaving its loop cancels the generation, and an abort throws its reason', async () => {
  const { url, coordinator } = await startGateway({ tokens: tokensOf('abcdef'), holdAt: 3 });
  const client = new ApiClient({ baseUrl: url });
  for await (const chunk of client.streamChat(chatBody())) if (chunk.choices[0]?.delta.content) break;
  expect(await coordinator.aborted).toMatchObject({ code: 'ERR_GATEWAY_CLIENT_GONE' });
  const controller = new AbortController();
  const streaming = async () => {
    for await (const chunk of client.streamChat(chatBody(), controller.signal)) {
      if (chunk.choices[0]?.delta.content === 'c') controller.abort(new Error('enough'));
    }
  };
  await expect(streaming()).rejects.toThrow('enough');
});

test('it says when nobody answers, and when something else does', async () => {
  const other = createServer((_request, response) => response.end('<html>'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const baseUrl = `http://127.0.0.1:${(other.address() as { port: number }).port}`;
  onTestFinished(() => other.closeAllConnections());
  const client = new ApiClient({ baseUrl });
  await expect(client.models()).rejects.toMatchObject({ code: 'ERR_API_BROKEN_ANSWER' });
  const truncated = async () => {
    for await (const _ of client.streamChat(chatBody()));
  };
  await expect(truncated()).rejects.toMatchObject({ code: 'ERR_API_BROKEN_ANSWER' });
  other.close();
  other.closeAllConnections();
  await expect(client.models()).rejects.toMatchObject({ code: 'ERR_API_UNREACHABLE' });
});

test('what breaks off, is no object or never ends is an error of the client, too', async () => {
  const said: { body: string; status?: number; isCut?: boolean }[] = [];
  const fetched: typeof fetch = async () => {
    const { body, status = 200, isCut = false } = said.shift() ?? { body: '' };
    const bytes = new ReadableStream({
      pull(controller) {
        if (body !== '') controller.enqueue(new TextEncoder().encode(body));
        if (isCut) controller.error(new TypeError('terminated'));
        else controller.close();
      },
    });
    return new Response(bytes, { status });
  };
  const client = new ApiClient({ baseUrl: '', fetch: fetched });
  const broken = { code: 'ERR_API_BROKEN_ANSWER' };
  said.push({ body: '{"da', isCut: true }, { body: '{"er', status: 500, isCut: true }, { body: 'null', status: 500 });
  for (const _ of [1, 2, 3]) await expect(client.models()).rejects.toMatchObject(broken);
  said.push(
    { body: 'data: 1\n\n' },
    { body: 'data: {}\n\ndata', isCut: true },
    { body: `data: ${'x'.repeat(2 ** 24)}` },
  );
  for (const _ of [1, 2, 3])
    await expect(
      client.chain
        .events()
        .next()
        .then(() => client.chain.events().next()),
    ).rejects.toMatchObject(broken);
});
