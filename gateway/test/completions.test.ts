import { completion, completionChunk } from '@blyan/api';
import { expect, test } from 'vitest';
import { COMPLETIONS, eventsOf, startGateway } from './harness.ts';
import { tokensOf } from './scripted-coordinator.ts';

const body = (more: Record<string, unknown> = {}) => ({ model: 'golden', prompt: 'A river', temperature: 0, ...more });

test('a text completion of the openai client', async () => {
  const { client, coordinator, post } = await startGateway();
  const answer = await client.completions.create({ model: 'golden', prompt: 'A river', temperature: 0 });
  expect(answer).toMatchObject({
    object: 'text_completion',
    choices: [{ text: 'a large natural stream of water', index: 0, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 7, completion_tokens: 31, total_tokens: 38 },
  });
  expect(coordinator.requests[0]).toMatchObject({ promptTokens: tokensOf('A river'), maxTokens: 121 });
  const raw: unknown = await (await post(COMPLETIONS, body())).json();
  expect(completion.parse(raw)).toEqual(raw);
});

test.each([
  ['a string', 'ab', [tokensOf('ab')]],
  ['strings', ['ab', 'c'], [tokensOf('ab'), tokensOf('c')]],
  ['token ids', [5, 299, 0], [[5, 299, 0]]],
  ['lists of token ids', [[5], [6, 7]], [[5], [6, 7]]],
])('a prompt may be %s', async (_name, prompt, expected) => {
  const { client, coordinator } = await startGateway({ tokens: tokensOf('x') });
  const answer = await client.completions.create({ model: 'golden', prompt, temperature: 0 });
  expect(coordinator.requests.map(({ promptTokens }) => promptTokens)).toEqual(expected);
  expect(new Set(coordinator.requests.map(({ requestId }) => requestId)).size).toBe(expected.length);
  expect(answer.choices.map(({ index, text }) => [index, text])).toEqual(expected.map((_, index) => [index, 'x']));
  expect(answer.usage?.completion_tokens).toBe(expected.length);
});

test.each([
  [[]],
  [''],
  [['a', 1]],
  [[[]]],
  [[1.5]],
  [[-1]],
  [[300]],
  [{}],
  [5],
  [null],
  [undefined],
  [Array.from({ length: 65 }, () => 'a')],
  [['ok', '']],
])('a prompt that is none is refused by name: %j', async (prompt) => {
  const { post, coordinator } = await startGateway();
  const response = await post(COMPLETIONS, body({ prompt }));
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param: 'prompt' } });
  expect(coordinator.requests).toEqual([]);
});

test('chunks of several prompts carry their index; blyan has the first on top and the others as choices', async () => {
  const { post } = await startGateway({ tokens: tokensOf('x') });
  const stream_options = { include_usage: true };
  const blyan = { return_token_ids: true };
  const response = await post(COMPLETIONS, body({ prompt: ['a', 'bc'], stream: true, stream_options, blyan }));
  const events = await eventsOf(response);
  expect(events.pop()).toBe('[DONE]');
  const chunks = events.map((data) => completionChunk.parse(JSON.parse(data)));
  expect(
    chunks.map(({ choices }) => choices.map(({ index, text, finish_reason }) => [index, text, finish_reason])),
  ).toEqual([[[0, 'x', null]], [[0, '', 'stop']], [[1, 'x', null]], [[1, '', 'stop']], []]);
  expect(chunks.map((chunk) => chunk.blyan?.token_id)).toEqual([
    ...tokensOf('x'),
    undefined,
    ...tokensOf('x'),
    undefined,
    undefined,
  ]);
  expect(chunks[1]?.blyan).toBeUndefined();
  const report = { plan: 'pipeline', token_ids: tokensOf('x') };
  expect(chunks[3]?.blyan).toMatchObject({ ...report, choices: [{ index: 1, ...report }] });
  expect(chunks[4]?.usage).toEqual({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });
});

test('the openai client streams a text completion', async () => {
  const { client } = await startGateway();
  let text = '';
  for await (const chunk of await client.completions.create({
    model: 'golden',
    prompt: 'A',
    temperature: 0,
    stream: true,
  })) {
    text += chunk.choices[0]?.text ?? '';
  }
  expect(text).toBe('a large natural stream of water');
});

test('log probabilities in the legacy form', async () => {
  const { client, post } = await startGateway({ tokens: tokensOf('é!') });
  const request = { model: 'golden', prompt: 'A', temperature: 0, logprobs: 2 };
  const answer = await client.completions.create(request);
  expect(answer.choices[0]?.logprobs).toEqual({
    tokens: ['bytes:\\xc3', 'bytes:\\xa9', '!'],
    token_logprobs: [-0.5, -0.5, -0.5],
    top_logprobs: [
      { 'bytes:\\xc3': -0.5, b: -1 },
      { 'bytes:\\xa9': -0.5, b: -1 },
      { '!': -0.5, b: -1 },
    ],
    text_offset: [0, 0, 1],
  });
  const chosenOnly = await (await post(COMPLETIONS, { ...request, logprobs: 0 })).json();
  expect(chosenOnly.choices[0].logprobs).toMatchObject({ token_logprobs: [-0.5, -0.5, -0.5], top_logprobs: null });
});

test('stop strings cut each choice of its own', async () => {
  const { client } = await startGateway({ tokens: tokensOf('ab,cd') });
  const answer = await client.completions.create({ model: 'golden', prompt: ['1', '2'], temperature: 0, stop: [','] });
  expect(answer.choices.map(({ text, finish_reason }) => [text, finish_reason])).toEqual([
    ['ab', 'stop'],
    ['ab', 'stop'],
  ]);
});
