import { once } from 'node:events';
import { connect } from 'node:net';
import { API_LIMITS, API_ROUTES, apiErrorBody } from '@blyan/api';
import { expect, onTestFinished, test } from 'vitest';
import { CHAT, COMPLETIONS, chatBody, startGateway } from '../harness.ts';
import { tokenizer } from '../scripted-coordinator.ts';

const POSTS = Object.values(API_ROUTES)
  .filter(({ methods }) => (methods as readonly string[]).includes('POST'))
  .map(({ path }) => path);

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

test.each(POSTS)('%s: a deep body breaks nothing, one that is too long is 413', async (path) => {
  const { post, url, coordinator } = await startGateway();
  const deep = [
    nested(20_000, '[', ']'),
    `${'{"messages":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    '['.repeat(20_000),
    // In a field that is passed on, and in one that is not looked at.
    `{"model":"golden","max_tokens":1,"messages":${nested(10_000, '[', ']')},"prompt":${nested(10_000, '[', ']')}}`,
    `{"model":"golden","max_tokens":1,"tool_choice":${nested(10_000, '[', ']')},"tools":${nested(10_000, '[', ']')}}`,
  ];
  for (const body of deep) {
    const { status } = await post(path, body);
    // What needs a ledger says that there is none.
    expect(status === 503 || status < 500, `${status}`).toBe(true);
  }
  const bytes = path === API_ROUTES.chainRecords.path ? API_LIMITS.recordBodyBytes : API_LIMITS.bodyBytes;
  const large = `{"model":"${'x'.repeat(bytes)}"}`;
  // Who is refused by name is refused before.
  const refused = path.includes('/operator/') ? 401 : 413;
  expect((await post(path, large)).status).toBe(refused);
  // Chunked: nobody has said how long it will be.
  const parts = new ReadableStream({
    pull(controller) {
      for (let at = 0; at < large.length; at += 65_536) controller.enqueue(Buffer.from(large.slice(at, at + 65_536)));
      controller.close();
    },
  });
  const headers = { 'content-type': 'application/json' };
  const chunked = await fetch(url + path, { method: 'POST', headers, body: parts, duplex: 'half' } as RequestInit);
  expect(chunked.status).toBe(refused);
  expect(coordinator.requests).toEqual([]);
});

test('what is announced as too long is refused before it comes', async () => {
  const { url } = await startGateway();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const lines = ['host: localhost', 'content-type: application/json', 'expect: 100-continue'];
  socket.write(`POST ${CHAT} HTTP/1.1\r\n${lines.join('\r\n')}\r\ncontent-length: 9000000000000000\r\n\r\n{`);
  const [first] = await once(socket, 'data');
  expect(String(first)).not.toContain('200 OK');
});

test.each([
  ['a body that never ends', 'content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['what is not HTTP and never ends', 'x y: z\r\n'],
])('of %s no more is read than a body may have and a little', async (_name, rest) => {
  const { url, coordinator } = await startGateway();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => {}).resume();
  socket.write(`POST ${CHAT} HTTP/1.1\r\nhost: localhost\r\n${rest}`);
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  const more = () => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
  await new Promise((resolve) => socket.once('close', resolve));
  // Body, what is discarded behind it, and what the two sockets hold.
  expect(socket.bytesWritten).toBeLessThan(40 * 1024 * 1024);
  expect(coordinator.requests).toEqual([]);
});

const message = (content: unknown) => ({ model: 'golden', max_tokens: 2, messages: [{ role: 'user', content }] });

test.each([
  [CHAT, chatBody({ model: 5 }), 'model'],
  [CHAT, chatBody({ messages: 'hello' }), 'messages'],
  [CHAT, chatBody({ messages: [null] }), 'messages.0'],
  [CHAT, chatBody({ stream: 'yes' }), 'stream'],
  [CHAT, chatBody({ temperature: '1' }), 'temperature'],
  [CHAT, chatBody({ stop: [1] }), 'stop'],
  [CHAT, chatBody({ blyan: [] }), 'blyan'],
  [COMPLETIONS, { model: 'golden', prompt: { a: 1 } }, 'prompt'],
  [COMPLETIONS, { model: 'golden', prompt: [1, 'a'] }, 'prompt'],
  [COMPLETIONS, { model: 'golden', prompt: 'x', max_tokens: 1.5 }, 'max_tokens'],
  ['/v1/responses', { model: 'golden', input: 7 }, 'input'],
  ['/v1/responses', { model: 'golden', input: 'x', max_output_tokens: '5' }, 'max_output_tokens'],
  ['/v1/responses', { model: 'golden', input: [{ content: 5 }] }, 'input'],
  ['/auth/siwe/challenge', { address: 7 }, 'address'],
  ['/auth/siwe/challenge', { address: `0x${'a'.repeat(40)}`, chainId: '1' }, 'chainId'],
  ['/auth/siwe/verify', { message: [], signature: '0x00' }, 'message'],
  ['/auth/keys', { name: {} }, 'name'],
  ['/api/v1/chain/records', { record: 7 }, 'record'],
])('%s names the field of a wrong type: %j', async (path, body, param) => {
  const { post } = await startGateway();
  const response = await post(path, body);
  expect(response.status).toBe(400);
  expect(apiErrorBody.parse(await response.json()).error).toMatchObject({ param, type: 'invalid_request_error' });
});

// These families have no place for it but the sentence.
test.each([
  ['/v1/messages', { ...message('x'), max_tokens: '2' }, 'max_tokens'],
  ['/v1/messages', message(5), 'messages.0.content'],
  ['/v1/messages/count_tokens', { ...message('x'), system: 5 }, 'system'],
  ['/api/chat', message(5), 'messages.0.content'],
  ['/api/chat', { ...message('x'), options: { temperature: 'hot' } }, 'options.temperature'],
  ['/api/generate', { model: 'golden', prompt: 5 }, 'prompt'],
  ['/api/show', { model: [] }, 'model'],
])('%s names the field of a wrong type in its sentence: %j', async (path, body, field) => {
  const { post } = await startGateway();
  const response = await post(path, body);
  expect(response.status).toBe(400);
  expect(JSON.stringify(await response.json())).toContain(`"${field}: `);
});

test('half a surrogate pair is the replacement character, for the model as for the client', async () => {
  const { post, coordinator } = await startGateway();
  const prompt = 'a\ud800b';
  const replaced = tokenizer.encode('a\ufffdb');
  expect((await post(COMPLETIONS, { model: 'golden', prompt })).status).toBe(200);
  expect(coordinator.requests.at(-1)?.promptTokens).toEqual(replaced);
  const asked = [
    [CHAT, message(prompt)],
    ['/v1/messages', message([{ type: 'text', text: prompt }])],
    ['/v1/responses', { model: 'golden', input: prompt }],
    ['/api/generate', { model: 'golden', prompt, stream: false }],
    // The halves of two parts are not a pair, whatever stands side by side.
    [
      CHAT,
      message([
        { type: 'text', text: 'a\ud83d' },
        { type: 'text', text: '\ude00b' },
      ]),
    ],
  ] as const;
  for (const [path, body] of asked) expect([path, (await post(path, body)).status]).toEqual([path, 200]);
  // As a stop string it could match nothing.
  const stop = await post(CHAT, chatBody({ stop: '\udfff' }));
  expect(await stop.json()).toMatchObject({ error: { param: 'stop' } });
  const sequence = await post('/v1/messages', { ...message('x'), stop_sequences: ['\udfff'] });
  expect(sequence.status).toBe(200);
  expect((await post(CHAT, chatBody({ model: '\ud800' }))).status).toBe(404);
  const named = await post('/auth/siwe/verify', { message: prompt, signature: '0x00' });
  expect(named.status).toBe(400);
});
