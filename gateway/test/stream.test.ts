import { chatCompletionChunk } from '@blyan/api';
import { expect, test } from 'vitest';
import { CHAT, chatBody, eventsOf, startGateway } from './harness.ts';
import { EOS, tokensOf } from './scripted-coordinator.ts';

const chunksOf = async (response: Response) =>
  (await eventsOf(response))
    .filter((data) => data !== '[DONE]')
    .map((data) => chatCompletionChunk.parse(JSON.parse(data)));

test('the openai client streams text, finish reason and usage', async () => {
  const { client } = await startGateway();
  const stream = await client.chat.completions.create({
    ...chatBody(),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  const reasons: unknown[] = [];
  const usages: unknown[] = [];
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason);
    if (chunk.usage) usages.push(chunk.usage);
  }
  expect(text).toBe('a large natural stream of water');
  expect(reasons).toEqual(['stop']);
  expect(usages).toEqual([{ prompt_tokens: 35, completion_tokens: 31, total_tokens: 66 }]);
});

test('the stream helper of the openai client assembles the whole answer', async () => {
  const { client } = await startGateway();
  const final = await client.chat.completions.stream({ ...chatBody(), stream: true }).finalChatCompletion();
  expect(final.choices[0]).toMatchObject({
    message: { content: 'a large natural stream of water' },
    finish_reason: 'stop',
  });
});

test('chunks in order: role, text, reason with blyan, usage, [DONE]', async () => {
  const { post } = await startGateway({ tokens: tokensOf('ab') });
  const response = await post(CHAT, chatBody({ stream: true, stream_options: { include_usage: true } }));
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  const events = await eventsOf(response);
  expect(events.pop()).toBe('[DONE]');
  const chunks = events.map((data) => JSON.parse(data));
  expect(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size).toBe(1);
  expect(chunks.map(({ choices }) => choices)).toEqual([
    [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
    [{ index: 0, delta: { content: 'a' }, logprobs: null, finish_reason: null }],
    [{ index: 0, delta: { content: 'b' }, logprobs: null, finish_reason: null }],
    [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }],
    [],
  ]);
  expect(chunks.map((chunk) => 'usage' in chunk)).toEqual([false, false, false, false, true]);
  expect(chunks.map((chunk) => 'blyan' in chunk)).toEqual([false, false, false, true, false]);
  expect(chunks[3].blyan).toMatchObject({ plan: 'pipeline', route: [{ calls: 5 }, { calls: 9 }] });
});

test('no usage is sent unasked', async () => {
  const { post } = await startGateway();
  for (const more of [{}, { stream_options: null }, { stream_options: { include_usage: false } }]) {
    const chunks = await chunksOf(await post(CHAT, chatBody({ stream: true, ...more })));
    expect(chunks.every((chunk) => chunk.usage === undefined && chunk.choices.length === 1)).toBe(true);
  }
});

test('every event is unnamed data: clients break on named ones', async () => {
  const { post } = await startGateway();
  const text = await (await post(CHAT, chatBody({ stream: true }))).text();
  expect(text.split('\n\n').every((event) => event === '' || /^(id: \d+\n)?data: [^\n]*$/.test(event))).toBe(true);
});

test('a code point cut by tokens is sent whole', async () => {
  const { post } = await startGateway({ tokens: tokensOf('강가 🌊') });
  const chunks = await chunksOf(await post(CHAT, chatBody({ stream: true })));
  const pieces = chunks.map(({ choices }) => choices[0]?.delta.content).filter(Boolean);
  expect(pieces).toEqual(['강', '가', ' ', '🌊']);
});

test('an answer that ends within a code point ends with a replacement character', async () => {
  const { post } = await startGateway({ tokens: tokensOf('a강').slice(0, 3) });
  const chunks = await chunksOf(await post(CHAT, chatBody({ stream: true })));
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('a\ufffd');
});

test('with return_token_ids every token has its chunk, also without text', async () => {
  const tokens = [...tokensOf('é'), EOS, ...tokensOf('!')];
  const { post } = await startGateway({ tokens });
  const blyan = { return_token_ids: true, return_logits: 'sha256' };
  const body = chatBody({
    stream: true,
    ignore_eos: true,
    max_tokens: 4,
    blyan,
    stream_options: { include_usage: true },
  });
  const chunks = await chunksOf(await post(CHAT, body));
  const perToken = chunks.filter((chunk) => chunk.blyan?.token_id !== undefined);
  expect(perToken.map(({ blyan }) => blyan?.token_id)).toEqual(tokens);
  expect(perToken.map(({ choices }) => choices[0]?.delta.content)).toEqual(['', 'é', '', '!']);
  expect(perToken.every(({ blyan }) => /^[0-9a-f]{64}$/.test(String(blyan?.logits)))).toBe(true);
  const last = chunks.at(-2);
  expect(last?.choices[0]?.finish_reason).toBe('length');
  expect(last?.blyan).toMatchObject({ token_ids: tokens, plan: 'pipeline' });
  expect(last?.blyan?.logits).toHaveLength(4);
});

test('log probabilities go with the text they belong to', async () => {
  const { post } = await startGateway({ tokens: tokensOf('é!') });
  const chunks = await chunksOf(await post(CHAT, chatBody({ stream: true, logprobs: true })));
  const pairs = chunks.map(({ choices }) => [
    choices[0]?.delta.content,
    choices[0]?.logprobs?.content.map(({ token }) => token),
  ]);
  expect(pairs.filter(([, tokens]) => tokens)).toEqual([
    ['é', ['\\xc3', '\\xa9']],
    ['!', ['!']],
  ]);
});

test('a quiet stream gets comments, which the openai client skips', async () => {
  const { coordinator, post } = await startGateway({ tokens: tokensOf('ab'), holdAt: 1 }, { keepAliveMs: 5 });
  const response = await post(CHAT, chatBody({ stream: true }));
  let text = '';
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += new TextDecoder().decode(part);
    if (text.includes(': ping\n\n')) coordinator.release();
  }
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
});

test('no header is sent before the coordinator accepted the request', async () => {
  const { post } = await startGateway({ refuse: new Error('boom') });
  const response = await post(CHAT, chatBody({ stream: true }));
  expect(response.status).toBe(500);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
});
