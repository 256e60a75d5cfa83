import { chatCompletion } from '@blyan/api';
import { expect, test } from 'vitest';
import { CHAT, chatBody, startGateway } from './harness.ts';
import { EOS, MODEL_ROOT, PEERS, tokenizer, tokensOf } from './scripted-coordinator.ts';

test('a chat completion of the openai client, with all that the contract says', async () => {
  const { client, coordinator, post } = await startGateway();
  const answer = await client.chat.completions.create(chatBody());
  expect(answer.choices[0]).toMatchObject({
    index: 0,
    message: { role: 'assistant', content: 'a large natural stream of water', refusal: null },
    logprobs: null,
    finish_reason: 'stop',
  });
  const promptTokens = tokensOf('<|im_start|>user\nWhat is a river?<|im_end|>\n<|im_start|>assistant\n');
  expect(coordinator.requests[0]).toMatchObject({
    promptTokens,
    modelRoot: MODEL_ROOT,
    plan: 'auto',
    ignoreEos: false,
  });
  expect(coordinator.requests[0]?.requestId).toMatch(/^[0-9a-f]{32}$/);
  const completionTokens = tokensOf('a large natural stream of water').length;
  expect(answer.usage).toEqual({
    prompt_tokens: promptTokens.length,
    completion_tokens: completionTokens,
    total_tokens: promptTokens.length + completionTokens,
  });
  expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60);
  const raw: unknown = await (await post(CHAT, chatBody())).json();
  expect(chatCompletion.parse(raw)).toEqual(raw);
});

test('the answer says which plan, profile, times and nodes it had', async () => {
  const { post } = await startGateway();
  const answer = await (await post(CHAT, chatBody({ blyan: { plan: 'dynamic', return_token_ids: true } }))).json();
  expect(answer.blyan).toEqual({
    failovers: [],
    speculation: { drafted: 0, accepted: 0 },
    plan: 'dynamic',
    profile: 'cpu-avx2',
    forecast: { msToFirstToken: 20, msPerToken: 4 },
    measured: { msToFirstToken: 21.5, msPerToken: 4.25 },
    route: [
      { peerId: PEERS[0], role: 'stage', layers: '0-1', calls: 5, ms: 12.5 },
      { peerId: PEERS[1], role: 'experts', experts: ['0.1', '2.7'], calls: 9, ms: 3 },
    ],
    token_ids: tokensOf('a large natural stream of water'),
  });
});

test('null is absent, unknown fields are ignored, developer is system, parts are joined', async () => {
  const { coordinator, post } = await startGateway();
  const nulls = ['stream', 'tools', 'stop', 'n', 'seed', 'top_p', 'max_tokens', 'logprobs', 'top_logprobs', 'blyan'];
  const absent = Object.fromEntries(
    [...nulls, 'response_format', 'tool_choice', 'logit_bias'].map((key) => [key, null]),
  );
  const messages = [
    { role: 'developer', content: 'Be brief.', name: 'x', cache_control: { type: 'ephemeral' } },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is ' },
        { type: 'text', text: 'a river?', extra: 1 },
      ],
    },
    { role: 'assistant', content: null },
  ];
  const response = await post(CHAT, { ...chatBody({ messages }), ...absent, reasoning: { effort: 'low' }, user: 'me' });
  expect(response.status).toBe(200);
  const prompt =
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is a river?<|im_end|>\n' +
    '<|im_start|>assistant\n<|im_end|>\n<|im_start|>assistant\n';
  expect(coordinator.requests[0]?.promptTokens).toEqual(tokensOf(prompt));
});

test('limits, sampling and extensions reach the coordinator', async () => {
  const { coordinator, post } = await startGateway();
  await post(CHAT, { model: MODEL_ROOT, messages: chatBody().messages });
  const promptLength = coordinator.requests[0]?.promptTokens.length ?? 0;
  expect(coordinator.requests[0]).toMatchObject({
    maxTokens: 128 - promptLength,
    sampling: { temperature: 1, topK: 0, topP: 1 },
    topLogprobs: undefined,
  });
  const sampling = { temperature: 0.5, top_p: 0.9, top_k: 40, seed: -1 };
  await post(CHAT, chatBody({ ...sampling, max_tokens: 9, max_completion_tokens: 3, ignore_eos: true }));
  expect(coordinator.requests[1]).toMatchObject({
    maxTokens: 3,
    ignoreEos: true,
    sampling: { temperature: 0.5, topP: 0.9, topK: 40, seed: 0xffffffff },
  });
  await post(CHAT, chatBody({ max_tokens: 100_000, seed: 2 ** 32 + 5 }));
  expect(coordinator.requests[2]).toMatchObject({ maxTokens: 128 - promptLength, sampling: { seed: 5 } });
});

test('max_tokens ends the answer with "length"; ignore_eos goes on after the end of sequence', async () => {
  const { client, post } = await startGateway({ tokens: [...tokensOf('ab'), EOS, ...tokensOf('cd')] });
  const short = await client.chat.completions.create(chatBody({ max_completion_tokens: 2 }) as never);
  expect(short.choices[0]).toMatchObject({ message: { content: 'ab' }, finish_reason: 'length' });
  const on = await (
    await post(CHAT, chatBody({ max_tokens: 5, ignore_eos: true, blyan: { return_token_ids: true } }))
  ).json();
  expect(on.choices[0]).toMatchObject({ message: { content: 'abcd' }, finish_reason: 'length' });
  expect(on.blyan.token_ids).toEqual([...tokensOf('ab'), EOS, ...tokensOf('cd')]);
});

test('a seed repeats an answer, another one or none does not', async () => {
  const { client, coordinator } = await startGateway();
  const ask = async (seed?: number) => {
    const answer = await client.chat.completions.create(chatBody({ temperature: 1, seed, max_tokens: 12 }) as never);
    return answer.choices[0]?.message.content;
  };
  const [first, again, other] = [await ask(7), await ask(7), await ask(8)];
  expect(first).toHaveLength(12);
  expect(again).toBe(first);
  expect(other).not.toBe(first);
  await ask();
  await ask();
  const seeds = coordinator.requests.slice(3).map(({ sampling }) => sampling.seed);
  expect(seeds[0]).not.toBe(seeds[1]);
});

test('log probabilities of each token, with bytes and alternatives', async () => {
  const { client } = await startGateway({ tokens: tokensOf('é!') });
  const answer = await client.chat.completions.create(chatBody({ logprobs: true, top_logprobs: 3 }) as never);
  const content = answer.choices[0]?.logprobs?.content ?? [];
  expect(content.map(({ token, bytes }) => ({ token, bytes }))).toEqual([
    { token: '\\xc3', bytes: [0xc3] },
    { token: '\\xa9', bytes: [0xa9] },
    { token: '!', bytes: [0x21] },
  ]);
  expect(content[2]?.logprob).toBe(-0.5);
  expect(content[2]?.top_logprobs).toEqual([
    { token: '!', logprob: -0.5, bytes: [0x21] },
    { token: 'b', logprob: -1, bytes: [0x62] },
    { token: 'c', logprob: -9999, bytes: [0x63] },
  ]);
  const without = await client.chat.completions.create(chatBody({ logprobs: true }) as never);
  expect(without.choices[0]?.logprobs?.content?.[0]?.top_logprobs).toEqual([]);
});

test('logits come back per token, to this machine only', async () => {
  const { post } = await startGateway({ tokens: tokensOf('ab') });
  const hashed = await (await post(CHAT, chatBody({ blyan: { return_logits: 'sha256' } }))).json();
  expect(hashed.blyan.logits).toEqual([
    expect.stringMatching(/^[0-9a-f]{64}$/),
    expect.stringMatching(/^[0-9a-f]{64}$/),
  ]);
  const full = await (await post(CHAT, chatBody({ blyan: { return_logits: 'f32' } }))).json();
  const row = Buffer.from(full.blyan.logits[1], 'base64');
  expect(row.byteLength).toBe(300 * 4);
  expect(row.readFloatLE(4)).toBe(1);
  const proxied = await post(CHAT, chatBody({ blyan: { return_logits: 'f32' } }), {
    headers: { 'x-forwarded-for': '203.0.113.9' },
  });
  expect(proxied.status).toBe(403);
  expect(await proxied.json()).toMatchObject({
    error: { type: 'permission_error', param: 'blyan.return_logits', code: 'ERR_GATEWAY_LOGITS_NOT_LOCAL' },
  });
});

test('full logits of more than 256 MiB are refused before anything is computed', async () => {
  const { coordinator, post } = await startGateway();
  const [model] = coordinator.served;
  coordinator.served = model ? [{ ...model, contextLength: 1_000_000 }] : [];
  const response = await post(CHAT, chatBody({ blyan: { return_logits: 'f32' } }));
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param: 'max_tokens', code: 'ERR_GATEWAY_LOGITS_TOO_LARGE' } });
  expect(coordinator.requests).toEqual([]);
});

test('the tokenizer of the fixture maps text and tokens one to one', () => {
  expect(tokenizer.decode(tokensOf('a large é'))).toBe('a large é');
});

test('speculation is asked for as given, and automatic otherwise', async () => {
  const { post, coordinator } = await startGateway();
  for (const speculation of ['off', 'ngram', null])
    await (await post(CHAT, chatBody({ blyan: { speculation } }))).json();
  expect(coordinator.requests.map(({ speculation }) => speculation)).toEqual(['off', 'ngram', 'auto']);
});
