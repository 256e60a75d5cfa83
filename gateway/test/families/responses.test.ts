import { AppError } from '@blyan/interface';
import { expect, test } from 'vitest';
import { startGateway } from '../harness.ts';

const ASKED = { model: 'golden', input: 'What is a river?', temperature: 0 };
const TEXT = 'a large natural stream of water';

test('the openai client gets a response, whole and streamed', async () => {
  const { client, coordinator } = await startGateway();
  const whole = await client.responses.create({ ...ASKED, instructions: 'Be short.' });
  expect(whole.output_text).toBe(TEXT);
  expect(whole).toMatchObject({ object: 'response', status: 'completed', model: 'golden', store: false, error: null });
  expect(whole.usage).toMatchObject({
    ...{ input_tokens: coordinator.requests[0]?.promptTokens.length, output_tokens: 31 },
  });
  const events = [];
  for await (const event of await client.responses.create({ ...ASKED, stream: true })) events.push(event);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i));
  const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []));
  expect(deltas.join('')).toBe(TEXT);
  expect(events.map(({ type }) => type).filter((type) => type !== 'response.output_text.delta')).toEqual([
    ...['response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added'],
    ...['response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.completed'],
  ]);
  const final = await client.responses.stream(ASKED).finalResponse();
  expect(final.output_text).toBe(TEXT);
});

test('items of a conversation, and an answer that is cut', async () => {
  const { client, coordinator } = await startGateway();
  const input = [
    { role: 'developer' as const, content: 'Be short.' },
    { role: 'user' as const, content: [{ type: 'input_text' as const, text: 'Hi' }] },
    { type: 'message' as const, role: 'assistant' as const, content: 'Hello' },
    { role: 'user' as const, content: 'What is a river?' },
  ];
  const cut = await client.responses.create({ ...ASKED, input, max_output_tokens: 4 });
  expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  expect(coordinator.requests[0]?.maxTokens).toBe(4);
});

test('what needs a store, tools or other media is refused by name; what breaks in the middle is raised', async () => {
  const { client } = await startGateway();
  const refused = (more: object, param: string) =>
    expect(client.responses.create({ ...ASKED, ...more })).rejects.toMatchObject({ status: 400, param });
  await refused({ previous_response_id: 'resp_1' }, 'previous_response_id');
  await refused({ tools: [{ type: 'web_search' }] }, 'tools.0.type');
  await refused({ text: { format: { type: 'grammar' } } }, 'text.format.type');
  await refused({ input: [{ type: 'item_reference', id: 'x' }] }, 'input.0');
  await refused({ input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] }, 'input.0.content.0');
  await refused({ input: 7 }, 'input');

  const error = new AppError('ERR_INFERENCE_BROKEN', 'It broke.', { kind: 'internal' });
  const broken = await startGateway({ failAt: { index: 3, error } });
  await expect(broken.client.responses.stream(ASKED).finalResponse()).rejects.toThrow(/It broke/);
});
