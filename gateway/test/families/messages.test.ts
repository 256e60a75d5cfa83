import Anthropic from '@anthropic-ai/sdk';
import { AppError } from '@blyan/interface';
import { expect, test } from 'vitest';
import { startGateway } from '../harness.ts';
import { tokensOf } from '../scripted-coordinator.ts';

const ASKED = {
  model: 'golden',
  temperature: 0,
  max_tokens: 60,
  messages: [{ role: 'user' as const, content: 'What is a river?' }],
};
const TEXT = 'a large natural stream of water';

async function start(...args: Parameters<typeof startGateway>) {
  const found = await startGateway(...args);
  const anthropic = new Anthropic({ baseURL: found.url, apiKey: 'none', maxRetries: 0 });
  return { ...found, anthropic };
}

test('the anthropic client gets a message, and counts its tokens', async () => {
  const { anthropic, coordinator } = await start();
  const asked = { ...ASKED, system: [{ type: 'text' as const, text: 'Be short.' }], top_k: 3 };
  const message = await anthropic.messages.create(asked);
  expect(message).toMatchObject({
    ...{ type: 'message', role: 'assistant', model: 'golden', content: [{ type: 'text', text: TEXT }] },
    ...{ stop_reason: 'end_turn', stop_sequence: null, usage: { output_tokens: 31 } },
  });
  expect(message.id).toMatch(/^msg_[0-9a-f]{32}$/);
  const { promptTokens, sampling } = coordinator.requests[0] as (typeof coordinator.requests)[0];
  expect(sampling).toMatchObject({ temperature: 0, topK: 3 });
  expect(message.usage.input_tokens).toBe(promptTokens.length);
  const { model, messages, system } = asked;
  expect(await anthropic.messages.countTokens({ model, messages, system })).toEqual({
    input_tokens: promptTokens.length,
  });
});

test('it streams the same message, its end named', async () => {
  const { anthropic } = await start();
  const stream = anthropic.messages.stream(ASKED);
  let text = '';
  stream.on('text', (delta) => (text += delta));
  const final = await stream.finalMessage();
  expect(text).toBe(TEXT);
  expect(final).toMatchObject({ content: [{ text: TEXT }], stop_reason: 'end_turn', usage: { output_tokens: 31 } });
  expect(final.usage.input_tokens).toBeGreaterThan(0);

  const stopped = await anthropic.messages.create({ ...ASKED, stop_sequences: ['stream', 'zzz'] });
  expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'stream' });
  expect(stopped.content).toEqual([{ type: 'text', text: 'a large natural ' }]);
  expect(await anthropic.messages.create({ ...ASKED, max_tokens: 3 })).toMatchObject({ stop_reason: 'max_tokens' });
});

test('events come by name and in order', async () => {
  const { post } = await start({ tokens: tokensOf('ab') });
  const body = await (await post('/v1/messages', { ...ASKED, stream: true })).text();
  expect([...body.matchAll(/^event: (.+)$/gm)].map(([, name]) => name)).toEqual([
    ...['message_start', 'content_block_start', 'ping', 'content_block_delta', 'content_block_delta'],
    ...['content_block_stop', 'message_delta', 'message_stop'],
  ]);
  expect(body).not.toContain('[DONE]');
});

test('what is not there is refused in the shape of its errors, before the answer and in its middle', async () => {
  const { anthropic, post } = await start();
  const tool = { name: 'f', input_schema: { type: 'object' as const } };
  await expect(anthropic.messages.create({ ...ASKED, tools: [tool] })).rejects.toMatchObject({
    ...{ status: 400, error: { type: 'error', error: { type: 'invalid_request_error', param: 'tools' } } },
  });
  const image = { type: 'image' as const, source: { type: 'url' as const, url: 'https://x.example/a.png' } };
  const withImage = { ...ASKED, messages: [{ role: 'user' as const, content: [image] }] };
  await expect(anthropic.messages.create(withImage)).rejects.toMatchObject({
    error: { error: { param: 'messages.0.content.0' } },
  });
  await expect(anthropic.messages.create({ ...ASKED, model: 'other' })).rejects.toMatchObject({ status: 404 });
  const begun = [...ASKED.messages, { role: 'assistant' as const, content: 'A river' }];
  await expect(anthropic.messages.create({ ...ASKED, messages: begun })).rejects.toThrow(/must be of the user/);
  expect(await (await post('/v1/messages', { ...ASKED, max_tokens: 0 })).json()).toMatchObject({
    error: { type: 'invalid_request_error', param: 'max_tokens' },
  });

  const error = new AppError('ERR_INFERENCE_BROKEN', 'It broke.', { kind: 'internal' });
  const broken = await start({ failAt: { index: 3, error } });
  await expect(broken.anthropic.messages.stream(ASKED).finalMessage()).rejects.toThrow(/api_error|It broke/);
});

test('a client that stops reading ends the generation', async () => {
  const { anthropic, coordinator } = await start({ holdAt: 4 });
  const stream = await anthropic.messages.create({ ...ASKED, stream: true });
  for await (const event of stream) if (event.type === 'content_block_delta') break;
  await coordinator.aborted;
});
