import { connect } from 'node:net';
import { apiErrorBody } from '@blyan/api';
import { AppError } from '@blyan/interface';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { CHAT, COMPLETIONS, chatBody, eventsOf, startGateway } from './harness.ts';
import { tokensOf } from './scripted-coordinator.ts';

class PortError extends AppError {}

const TOOL = { type: 'function', function: { name: 'f' } };
const TOOL_CALL = { type: 'function', function: { name: 'f', arguments: '{}' } };

const missing = new PortError('ERR_ROUTING_MISSING_BLOCKS', 'Nobody hosts expert 2.7: start a node with it.', {
  meta: { missing: ['expert 2.7', 'head'] },
});

test.each([
  ['bad JSON', CHAT, '{"model":', 400, null, 'ERR_GATEWAY_REQUEST_INVALID'],
  ['no body', CHAT, '', 400, null, 'ERR_GATEWAY_REQUEST_INVALID'],
  ['a body that is no object', CHAT, '[1]', 400, null, 'ERR_GATEWAY_REQUEST_INVALID'],
  ['a prototype', CHAT, '{"__proto__":{"model":"golden"}}', 400, null, 'ERR_GATEWAY_REQUEST_INVALID'],
  ['no model', CHAT, { messages: [] }, 400, 'model', 'ERR_GATEWAY_REQUEST_INVALID'],
  ['no messages', CHAT, chatBody({ messages: [] }), 400, 'messages', 'ERR_GATEWAY_REQUEST_INVALID'],
  [
    'a wrong role',
    CHAT,
    chatBody({ messages: [{ role: 'oracle', content: 'x' }] }),
    400,
    'messages.0.role',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  [
    'no content',
    CHAT,
    chatBody({ messages: [{ role: 'user' }] }),
    400,
    'messages.0.content',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  [
    'a number as content',
    CHAT,
    chatBody({ messages: [{ role: 'user', content: 7 }] }),
    400,
    'messages.0.content',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  [
    'a text part without text',
    CHAT,
    chatBody({ messages: [{ role: 'user', content: [{ type: 'text' }] }] }),
    400,
    'messages.0.content.0.text',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  ['temperature 3', CHAT, chatBody({ temperature: 3 }), 400, 'temperature', 'ERR_GATEWAY_REQUEST_INVALID'],
  [
    'temperature 1e999',
    CHAT,
    `{"model":"golden","messages":[{"role":"user","content":"x"}],"temperature":1e999}`,
    400,
    'temperature',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  ['top_p 0', CHAT, chatBody({ top_p: 0 }), 400, 'top_p', 'ERR_GATEWAY_REQUEST_INVALID'],
  ['top_k -1', CHAT, chatBody({ top_k: -1 }), 400, 'top_k', 'ERR_GATEWAY_REQUEST_INVALID'],
  ['a seed that is no integer', CHAT, chatBody({ seed: 1.5 }), 400, 'seed', 'ERR_GATEWAY_REQUEST_INVALID'],
  ['max_tokens 0', CHAT, chatBody({ max_tokens: 0 }), 400, 'max_tokens', 'ERR_GATEWAY_REQUEST_INVALID'],
  [
    'five stop strings',
    CHAT,
    chatBody({ stop: ['a', 'b', 'c', 'd', 'e'] }),
    400,
    'stop',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  ['an empty stop string', CHAT, chatBody({ stop: '' }), 400, 'stop', 'ERR_GATEWAY_REQUEST_INVALID'],
  [
    'top_logprobs without logprobs',
    CHAT,
    chatBody({ top_logprobs: 2 }),
    400,
    'top_logprobs',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  [
    'top_logprobs 21',
    CHAT,
    chatBody({ logprobs: true, top_logprobs: 21 }),
    400,
    'top_logprobs',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  ['an unknown plan', CHAT, chatBody({ blyan: { plan: 'magic' } }), 400, 'blyan.plan', 'ERR_GATEWAY_REQUEST_INVALID'],
  [
    'an unknown speculation',
    CHAT,
    chatBody({ blyan: { speculation: 'bold' } }),
    400,
    'blyan.speculation',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  ['n 2', CHAT, chatBody({ n: 2 }), 400, 'n', 'unsupported_parameter'],
  ['tools', CHAT, chatBody({ tools: [TOOL] }), 400, 'tools', 'unsupported_parameter'],
  [
    'tool calls',
    CHAT,
    chatBody({ messages: [{ role: 'assistant', tool_calls: [{ id: '1', ...TOOL_CALL }] }] }),
    400,
    'messages',
    'unsupported_parameter',
  ],
  [
    'an image',
    CHAT,
    chatBody({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }),
    400,
    'messages.0.content.0',
    'unsupported_parameter',
  ],
  [
    'a format of no known type',
    CHAT,
    chatBody({ response_format: { type: 'yaml' } }),
    400,
    'response_format.type',
    'ERR_GATEWAY_REQUEST_INVALID',
  ],
  ['a penalty', CHAT, chatBody({ presence_penalty: 1 }), 400, 'presence_penalty', 'unsupported_parameter'],
  ['a bias', CHAT, chatBody({ logit_bias: { 5: 1 } }), 400, 'logit_bias', 'unsupported_parameter'],
  ['best_of', COMPLETIONS, { model: 'golden', prompt: 'x', best_of: 2 }, 400, 'best_of', 'unsupported_parameter'],
  ['echo', COMPLETIONS, { model: 'golden', prompt: 'x', echo: true }, 400, 'echo', 'unsupported_parameter'],
  ['a suffix', COMPLETIONS, { model: 'golden', prompt: 'x', suffix: 'y' }, 400, 'suffix', 'unsupported_parameter'],
  [
    'a long conversation',
    CHAT,
    chatBody({ messages: [{ role: 'user', content: 'x'.repeat(120) }] }),
    400,
    'messages',
    'context_length_exceeded',
  ],
  [
    'a very long conversation',
    CHAT,
    chatBody({ messages: [{ role: 'user', content: 'x'.repeat(3_000_000) }] }),
    400,
    'messages',
    'context_length_exceeded',
  ],
  [
    'a prompt as long as the context',
    COMPLETIONS,
    { model: 'golden', prompt: Array(128).fill(9) },
    400,
    'prompt',
    'context_length_exceeded',
  ],
  ['an unknown model', CHAT, chatBody({ model: 'gpt-4o' }), 404, 'model', 'model_not_found'],
  ['a body over 4 MiB', CHAT, chatBody({ user: 'x'.repeat(4 << 20) }), 413, null, 'ERR_GATEWAY_BODY_TOO_LARGE'],
])('%s is refused in the error shape', async (_name, path, body, status, param, code) => {
  const { post, coordinator } = await startGateway();
  for (const streamed of [false, true]) {
    const sent = typeof body === 'string' ? body : { ...body, stream: streamed };
    const response = await post(path as string, sent);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const { error } = apiErrorBody.parse(await response.json());
    expect(error).toMatchObject({ type: 'invalid_request_error', param, code });
    expect(error.message.length).toBeGreaterThan(10);
  }
  expect(coordinator.requests).toEqual([]);
});

test('a prompt that leaves room for one token gets one', async () => {
  const { post } = await startGateway();
  const response = await post(COMPLETIONS, { model: 'golden', prompt: Array(127).fill(9), temperature: 0 });
  expect(await response.json()).toMatchObject({
    choices: [{ finish_reason: 'length' }],
    usage: { completion_tokens: 1 },
  });
});

test.each([
  ['GET', '/nowhere', 404, null],
  ['POST', '/v1/embeddings', 404, null],
  ['GET', '/v1/embeddings', 404, null],
  ['GET', CHAT, 405, 'POST'],
  ['DELETE', '/v1/models', 405, 'GET, HEAD'],
  ['PUT', '/v1/models/golden', 405, 'GET, HEAD'],
  ['POST', '/healthz', 405, 'GET, HEAD'],
  ['POST', '/', 405, 'GET, HEAD'],
])('%s %s is %i in the error shape', async (method, path, status, allow) => {
  const { url } = await startGateway();
  const response = await fetch(url + path, { method });
  expect(response.status).toBe(status);
  expect(response.headers.get('allow')).toBe(allow);
  expect(apiErrorBody.parse(await response.json()).error.type).toBe('invalid_request_error');
});

test('a body of another media type is 415 and says which is right', async () => {
  const { url } = await startGateway();
  const response = await fetch(url + CHAT, { method: 'POST', body: new URLSearchParams({ a: '1' }) });
  expect(response.status).toBe(415);
  expect(apiErrorBody.parse(await response.json()).error.message).toContain('application/json');
});

test.each([
  ['GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', '400'],
  ['NONSENSE\r\n\r\n', '400'],
  [`GET / HTTP/1.1\r\nHost: localhost\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, '431'],
])('what is not HTTP gets the error shape too', async (bytes, status) => {
  const { url } = await startGateway();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const part of socket) text += part;
  expect(text.split(' ', 2)[1]).toBe(status);
  apiErrorBody.parse(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)));
});

test.each([
  [
    new PortError('ERR_X_CONTEXT_EXCEEDED', 'too long', { kind: 'caller' }),
    OpenAI.BadRequestError,
    400,
    'invalid_request_error',
  ],
  [
    new PortError('ERR_X_MODEL_UNKNOWN', 'unknown', { kind: 'caller' }),
    OpenAI.NotFoundError,
    404,
    'invalid_request_error',
  ],
  [new PortError('ERR_X_PLAN_REFUSED', 'no', { kind: 'caller' }), OpenAI.BadRequestError, 400, 'invalid_request_error'],
  [new PortError('ERR_X_ANYTHING', 'no', { kind: 'caller' }), OpenAI.BadRequestError, 400, 'invalid_request_error'],
  // Of a stage elsewhere, whose errors are all a peer's.
  [new PortError('ERR_X_KV_BUDGET', 'no', { kind: 'peer' }), OpenAI.BadRequestError, 400, 'invalid_request_error'],
  [new PortError('ERR_X_BUSY', 'later', { kind: 'peer' }), OpenAI.InternalServerError, 503, 'overloaded_error'],
  [new PortError('ERR_X_PEER_GONE', 'gone', { kind: 'peer' }), OpenAI.InternalServerError, 503, 'shard_unavailable'],
  [new PortError('ERR_X_DEADLINE', 'slow', { kind: 'internal' }), OpenAI.InternalServerError, 503, 'shard_unavailable'],
  [new PortError('ERR_X_ODD', 'odd', { kind: 'peer' }), OpenAI.InternalServerError, 503, 'shard_unavailable'],
  [new PortError('ERR_X_BUG', 'bug'), OpenAI.InternalServerError, 500, 'server_error'],
  [missing, OpenAI.InternalServerError, 503, 'shard_unavailable'],
])('a refusal of the coordinator is a status, streamed or not: %s', async (refuse, kind, status, type) => {
  const { client } = await startGateway({ refuse });
  for (const stream of [false, true]) {
    const error = await client.chat.completions.create({ ...chatBody(), stream }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ status, type });
    expect((error as Error).message).toContain(refuse.message);
  }
});

test('missing blocks are listed, and the client is told when to try again', async () => {
  const { post } = await startGateway({ refuse: missing });
  const response = await post(CHAT, chatBody());
  expect(response.headers.get('retry-after')).toBe('2');
  expect(await response.json()).toEqual({
    error: {
      message: 'Nobody hosts expert 2.7: start a node with it.',
      type: 'shard_unavailable',
      param: null,
      code: 'ERR_ROUTING_MISSING_BLOCKS',
      missing: ['expert 2.7', 'head'],
    },
  });
});

test('a 503 is tried again by the openai client, a 400 is not', async () => {
  const { client, coordinator } = await startGateway({ refuse: new PortError('ERR_X_BUSY', 'later') });
  const retrying = client.withOptions({ maxRetries: 1 });
  await retrying.chat.completions.create(chatBody()).catch(() => {});
  expect(coordinator.requests).toHaveLength(2);
  coordinator.script = { refuse: new PortError('ERR_X_NO', 'no', { kind: 'caller' }) };
  await retrying.chat.completions.create(chatBody()).catch(() => {});
  expect(coordinator.requests).toHaveLength(3);
});

test('an error that is not ours says nothing but the request id', async () => {
  const { post } = await startGateway({ refuse: new TypeError('secret path /etc/shadow') });
  const response = await post(CHAT, chatBody());
  expect(response.status).toBe(500);
  const { error } = apiErrorBody.parse(await response.json());
  expect(error.message).not.toContain('secret');
  expect(error.message).toContain(response.headers.get('x-request-id'));
});

test('an error within a stream is raised by the openai client and is the last event', async () => {
  const error = new PortError('ERR_P2P_PEER_GONE', 'A node of the plan is gone.', { kind: 'peer' });
  const { client, post } = await startGateway({ tokens: tokensOf('abc'), failAt: { index: 2, error } });
  let text = '';
  const streaming = async () => {
    const stream = await client.chat.completions.create({ ...chatBody(), stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  };
  await expect(streaming()).rejects.toThrow('A node of the plan is gone.');
  expect(text).toBe('ab');
  const events = await eventsOf(await post(CHAT, chatBody({ stream: true })));
  const fields = { type: 'shard_unavailable', param: null, code: 'ERR_P2P_PEER_GONE' };
  expect(JSON.parse(events.at(-1) ?? '')).toEqual({ error: { message: error.message, ...fields } });
  const whole = await post(CHAT, chatBody());
  expect(whole.status).toBe(503);
});

test('an answer that breaks off without an end is an error, never a short answer', async () => {
  const { client, post } = await startGateway({ tokens: tokensOf('abc'), breaksOff: true });
  await expect(client.chat.completions.create(chatBody())).rejects.toMatchObject({ status: 500 });
  const events = await eventsOf(await post(CHAT, chatBody({ stream: true })));
  expect(JSON.parse(events.at(-1) ?? '')).toMatchObject({ error: { code: 'ERR_GATEWAY_ANSWER_INCOMPLETE' } });
});
