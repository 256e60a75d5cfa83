import Anthropic from '@anthropic-ai/sdk';
import { ApiClient, type BlyanAnswer } from '@blyan/api';
import { TOOL_TEMPLATE } from '@blyan/testkit';
import { Ollama } from 'ollama';
import { expect, test } from 'vitest';
import { JournalNet } from '../../../packages/p2p/test/journal-net.ts';
import { CHAT, chatBody, idEventsOf, startGateway } from '../harness.ts';
import { type Script, servedModel, tokenizer, tokensOf } from '../scripted-coordinator.ts';

const parameters = {
  type: 'object',
  properties: { place: { $ref: '#/$defs/place' } },
  required: ['place'],
  additionalProperties: false,
  $defs: { place: { enum: ['river', 'lake'] } },
};
const tools = [
  { type: 'function' as const, function: { name: 'depth', description: 'How deep it is', parameters } },
  { type: 'function' as const, function: { name: 'now' } },
];
const CALL = '<tool_call>\n{"name": "depth", "arguments": {"place": "lake"}}\n</tool_call>';
const SECOND = '<tool_call>{"name": "now", "arguments": {}}</tool_call>';

/** A gateway whose model's template has tools, and what it answers. */
async function start(answer: string, script: Script = {}, more: Parameters<typeof startGateway>[1] = {}) {
  const started = await startGateway({ tokens: tokensOf(answer), ...script }, more);
  const tokenizerConfigJson = JSON.stringify({ eos_token: '<|eos|>', chat_template: TOOL_TEMPLATE });
  started.coordinator.served = [servedModel({ contextLength: 1_024, tokenizerConfigJson })];
  const prompt = () =>
    tokenizer.decode(started.coordinator.requests.at(-1)?.promptTokens ?? [], { skipSpecial: false });
  return { ...started, prompt };
}

test('the openai client is told of calls, whole and streamed, and sends what came of them', async () => {
  const { client, prompt, coordinator } = await start(`Let me see. ${CALL}\n${SECOND}`);
  const asked = { ...chatBody(), tools };
  const [choice] = (await client.chat.completions.create(asked)).choices;
  expect(choice).toMatchObject({
    finish_reason: 'tool_calls',
    message: {
      content: 'Let me see. ',
      tool_calls: [
        { type: 'function', function: { name: 'depth', arguments: '{"place":"lake"}' } },
        { type: 'function', function: { name: 'now', arguments: '{}' } },
      ],
    },
  });
  expect(prompt()).toContain('How deep it is');
  const streamed = await client.chat.completions.stream({ ...asked, stream: true }).finalChatCompletion();
  const calls = streamed.choices[0]?.message.tool_calls;
  expect(calls?.map((call) => call.type === 'function' && call.function)).toMatchObject(
    choice?.message.tool_calls?.map((call) => (call.type === 'function' ? call.function : null)) as object[],
  );
  expect(new Set(calls?.map(({ id }) => id)).size).toBe(2);
  expect(streamed.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Let me see. ' } });
  // What auto allows is not held to anything.
  expect(coordinator.requests.map(({ jsonSchema }) => jsonSchema)).toEqual([undefined, undefined]);

  const results = (calls ?? []).map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '20 m' }));
  const messages = [...asked.messages, streamed.choices[0]?.message as never, ...results];
  await client.chat.completions.create({ ...asked, messages, tool_choice: 'none' });
  expect(prompt()).toContain('Let me see. <tool_call>{"name": "depth", "arguments": {"place": "lake"}}</tool_call>');
  expect(prompt()).toContain('<tool_response>20 m</tool_response>');
  expect(prompt()).not.toContain('How deep it is');
});

test('our own client gets the token that ends a call, too', async () => {
  const { url } = await start(`Well. ${CALL}`);
  const asked = { ...chatBody({ blyan: { return_token_ids: true } }), tools };
  const ids: number[] = [];
  let whole: readonly number[] | undefined;
  for await (const { choices, blyan } of new ApiClient({ baseUrl: url }).streamChat(asked)) {
    if (blyan?.token_id !== undefined) ids.push(blyan.token_id);
    if (choices[0]?.finish_reason) whole = (blyan as BlyanAnswer).token_ids;
  }
  expect(ids).toEqual(whole);
});

test('one call only, where the client wants no more', async () => {
  const { client, coordinator } = await start(`${CALL}${SECOND}`);
  const [choice] = (await client.chat.completions.create({ ...chatBody(), tools, parallel_tool_calls: false })).choices;
  expect(choice?.message.tool_calls).toHaveLength(1);
  expect(choice?.finish_reason).toBe('tool_calls');
  expect(await coordinator.aborted).toBe('answer complete');
});

test('what is no call of a tool that there is stays text', async () => {
  for (const said of [
    '<tool_call>{"name": "other"}</tool_call> a',
    '<tool_call>{depth}</tool_call>',
    '<tool_call>{"name"',
    'a <tool',
  ]) {
    const { client } = await start(said);
    const [choice] = (await client.chat.completions.create({ ...chatBody(), tools })).choices;
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: said } });
    expect(choice?.message.tool_calls).toBeUndefined();
  }
});

test('a call that must be made is begun by the prompt and held to the schemas of the tools', async () => {
  const { client, coordinator, prompt } = await start('{"name":"depth","arguments":{"place":"lake"}}');
  const asked = { ...chatBody(), tools, tool_choice: 'required' as const };
  for (const answer of [
    await client.chat.completions.create(asked),
    await client.chat.completions.stream({ ...asked, stream: true }).finalChatCompletion(),
    await client.chat.completions.create({ ...asked, tool_choice: { type: 'function', function: { name: 'depth' } } }),
  ]) {
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: { name: 'depth', arguments: '{"place":"lake"}' } }] },
    });
    expect(answer.choices[0]?.message.content ?? '').toBe('');
    expect(prompt()).toMatch(/<\|im_start\|>assistant\n<tool_call>\n$/);
  }
  const [both, , one] = coordinator.requests.map(({ jsonSchema }) => JSON.parse(jsonSchema ?? ''));
  expect([both.anyOf.length, one.anyOf.length]).toEqual([2, 1]);
  expect(one.$defs[0]).toEqual({ ...parameters, properties: { place: { $ref: '#/$defs/0/$defs/place' } } });
  const cut = await client.chat.completions.create({ ...asked, max_tokens: 9 });
  expect(cut.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } });
});

test('the ollama client calls, and is shown that it can', async () => {
  const { url, prompt } = await start(`Well. ${CALL}`);
  const ollama = new Ollama({ host: url });
  expect((await ollama.show({ model: 'golden' })).capabilities).toEqual(['completion', 'tools']);
  const messages = [{ role: 'user', content: 'How deep?' }];
  const asked = { model: 'golden', messages, tools: tools as never, options: { temperature: 0 } };
  const { message, done_reason } = await ollama.chat(asked);
  expect({ message, done_reason }).toEqual({
    message: {
      role: 'assistant',
      content: 'Well. ',
      tool_calls: [{ function: { name: 'depth', arguments: { place: 'lake' } } }],
    },
    done_reason: 'stop',
  });
  const parts = [];
  for await (const part of await ollama.chat({ ...asked, stream: true })) parts.push(part.message);
  expect(parts.flatMap(({ tool_calls = [] }) => tool_calls)).toEqual(message.tool_calls);
  await ollama.chat({
    ...asked,
    messages: [...messages, message, { role: 'tool', content: '20 m', tool_name: 'depth' }],
  });
  expect(prompt()).toContain('<tool_response>20 m</tool_response>');
});

test('the anthropic client calls, whole and streamed, and sends what came of it', async () => {
  const { url, prompt, coordinator } = await start(`Well. ${CALL}\nNow ${SECOND}`);
  const anthropic = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
  const asked = {
    ...{
      model: 'golden',
      temperature: 0,
      max_tokens: 200,
      messages: [{ role: 'user' as const, content: 'How deep?' }],
    },
    tools: tools.map(({ function: { name, parameters: input_schema = { type: 'object' } } }) => ({
      name,
      input_schema,
    })) as never,
  };
  const message = await anthropic.messages.create(asked);
  expect(message).toMatchObject({
    stop_reason: 'tool_use',
    content: [
      { type: 'text', text: 'Well. Now ' },
      { type: 'tool_use', name: 'depth', input: { place: 'lake' } },
      { type: 'tool_use', name: 'now', input: {} },
    ],
  });
  const streamed = await anthropic.messages.stream(asked).finalMessage();
  expect(streamed.stop_reason).toBe('tool_use');
  // In a stream the blocks are where they came.
  expect(
    streamed.content.map((block) => (block.type === 'text' ? block.text : block.type === 'tool_use' && block.input)),
  ).toEqual([...['Well. ', { place: 'lake' }, 'Now ', {}]]);
  const { input_tokens } = await anthropic.messages.countTokens({
    model: 'golden',
    messages: asked.messages,
    tools: asked.tools,
  });
  expect(input_tokens).toBe(coordinator.requests[0]?.promptTokens.length);
  const [, use] = streamed.content;
  const tool_use_id = use?.type === 'tool_use' ? use.id : '';
  const results = [{ type: 'tool_result' as const, tool_use_id, content: [{ type: 'text' as const, text: '20 m' }] }];
  const messages = [
    ...asked.messages,
    { role: 'assistant' as const, content: streamed.content },
    { role: 'user' as const, content: results },
  ];
  await anthropic.messages.create({ ...asked, messages });
  expect(prompt()).toContain('<tool_call>{"name": "depth", "arguments": {"place": "lake"}}</tool_call>');
  expect(prompt()).toMatch(/<tool_response>20 m<\/tool_response><\|im_end\|>\n<\|im_start\|>assistant\n$/);
  const forced = { ...asked, tool_choice: { type: 'tool' as const, name: 'depth' } };
  coordinator.script = { tokens: tokensOf('{"name":"depth","arguments":{"place":"river"}}') };
  expect((await anthropic.messages.create(forced)).content).toMatchObject([
    { type: 'tool_use', input: { place: 'river' } },
  ]);
});

test('responses have calls as items, whole and streamed, and take what came of them', async () => {
  const { client, prompt, coordinator } = await start(`Well. ${CALL}\nNow ${SECOND}`);
  const given = tools.map(({ function: { name, ...more } }) => ({
    type: 'function' as const,
    name,
    strict: null,
    parameters: null,
    ...more,
  }));
  const asked = { model: 'golden', temperature: 0, input: 'How deep?', tools: given };
  const whole = await client.responses.create(asked);
  expect(whole.output).toMatchObject([
    { type: 'message', content: [{ text: 'Well. Now ' }] },
    { type: 'function_call', name: 'depth', arguments: '{"place":"lake"}' },
    { type: 'function_call', name: 'now', arguments: '{}' },
  ]);
  const stream = client.responses.stream(asked);
  const events = [];
  for await (const event of stream) events.push(event);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
  const { output } = await stream.finalResponse();
  expect(output).toMatchObject([
    { type: 'message', content: [{ text: 'Well. ' }] },
    { type: 'function_call', name: 'depth', arguments: '{"place":"lake"}' },
    { type: 'message', content: [{ text: 'Now ' }] },
    { type: 'function_call', name: 'now', arguments: '{}' },
  ]);
  expect(new Set(output.map(({ id }) => id)).size).toBe(4);
  const results = output.flatMap((item) =>
    item.type === 'function_call'
      ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: '20 m' }]
      : [],
  );
  const input = [{ role: 'user' as const, content: 'How deep?' }, ...(output as never[]), ...results];
  await client.responses.create({ ...asked, input, tool_choice: 'none' });
  expect(prompt()).toContain(
    'Well. <tool_call>{"name": "depth", "arguments": {"place": "lake"}}</tool_call><|im_end|>',
  );
  expect(prompt()).toContain('<tool_response>20 m</tool_response>');
  coordinator.script = { tokens: tokensOf('{"name":"now","arguments":{}}') };
  const forced = await client.responses.create({ ...asked, tool_choice: { type: 'function', name: 'now' } });
  expect(forced.output).toMatchObject([{ type: 'function_call', name: 'now' }]);
});

test('another gateway that goes on with an answer finds the same calls', async () => {
  const said = `Let me see. ${CALL}\n${SECOND} Done.`;
  const net = new JournalNet();
  const journals = [net.join('a'), net.join('b')] as const;
  const first = await start(said, {}, { journal: journals[0] });
  const second = await start(said, {}, { journal: journals[1] });
  const response = await first.post(CHAT, chatBody({ stream: true, tools }));
  const whole = await idEventsOf(response);
  await journals[0].settled();
  const withoutTimes = (events: typeof whole) =>
    events.map(({ data, lastEventId }) => [lastEventId, data.replace(/"blyan":.*/, '')]);
  for (const seen of [2, 12, whole.length - 3]) {
    const after = whole[seen - 1]?.lastEventId;
    const id = response.headers.get('x-request-id');
    const rest = await fetch(`${second.url}/api/v1/requests/${id}/stream?after=${after}`);
    expect(withoutTimes(await idEventsOf(rest))).toEqual(withoutTimes(whole.slice(seen)));
  }
});

test('a model without tools in its template refuses them in every family, by name', async () => {
  const { post, coordinator } = await startGateway();
  const refused = async (path: string, body: object, param: string | undefined) => {
    const response = await post(path, { model: 'golden', max_tokens: 5, ...body });
    const { error } = (await response.json()) as { error: { message: string; param?: string } | string };
    expect(response.status).toBe(400);
    const said = typeof error === 'string' ? { message: error } : error;
    expect(said).toMatchObject({ message: expect.stringMatching(/^Tools are not supported/), ...(param && { param }) });
  };
  const user = { role: 'user', content: 'x' };
  await refused(CHAT, { messages: [user], tools }, 'tools');
  await refused(CHAT, { messages: [user], tools, tool_choice: 'required' }, 'tools');
  await refused(CHAT, { messages: [user, { role: 'tool', tool_call_id: '1', content: 'x' }] }, 'messages');
  await refused('/api/chat', { messages: [user], tools }, undefined);
  const input_schema = { type: 'object' };
  await refused('/v1/messages', { messages: [user], tools: [{ name: 'f', input_schema }] }, 'tools');
  await refused('/v1/responses', { input: 'x', tools: [{ type: 'function', name: 'f', parameters }] }, 'tools');
  expect(coordinator.requests).toEqual([]);
});

test('what asks for more than can be held to is refused by its place', async () => {
  const { post, coordinator } = await start('x');
  const refused = async (more: object, param: string, code: string) => {
    const response = await post(CHAT, chatBody({ tools, ...more }));
    expect([response.status, (await response.json()).error]).toMatchObject([400, { param, code }]);
  };
  const odd = [{ type: 'function', function: { name: 'f', parameters: { properties: { a: { pattern: 'x' } } } } }];
  await refused(
    { tools: odd, tool_choice: 'required' },
    'tools.0.function.parameters.properties.a.pattern',
    'ERR_GRAMMAR_UNSUPPORTED',
  );
  await refused({ response_format: { type: 'json_object' } }, 'response_format', 'unsupported_parameter');
  await refused(
    { tool_choice: { type: 'function', function: { name: 'none' } } },
    'tool_choice',
    'unsupported_parameter',
  );
  await refused({ tool_choice: 'any' }, 'tool_choice', 'ERR_GATEWAY_REQUEST_INVALID');
  await refused({ tools: [{ type: 'web_search' }] }, 'tools.0.type', 'ERR_GATEWAY_REQUEST_INVALID');
  const call = { id: '1', type: 'function', function: { name: 'depth', arguments: '[1]' } };
  const messages = [{ role: 'assistant', content: null, tool_calls: [call] }];
  await refused({ messages }, 'messages.0.tool_calls.0.function.arguments', 'ERR_GATEWAY_REQUEST_INVALID');
  expect(coordinator.requests).toEqual([]);
});
