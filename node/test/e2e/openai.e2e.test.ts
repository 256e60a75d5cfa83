import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPage, executablePath } from '../../../gateway/test/page/page-browser.ts';
import { PLAN_TYPES } from './answers.ts';
import { Devnet } from './devnet.ts';
import { personWithWallet } from './person.ts';

// The client of the package, unmodified, against the network of `npm start`.
let net: Devnet;
let client: OpenAI;
let model: string;
beforeAll(async () => {
  // What is served is what the sources say, whatever was built before.
  if (executablePath !== undefined) await buildPage();
  net = await Devnet.start();
  client = new OpenAI({ baseURL: `${net.gateway}/v1`, apiKey: 'unused' });
  model = (await client.models.list()).data[0]?.id as string;
});
afterAll(() => net?.stop());

const messages = [{ role: 'user' as const, content: 'What is a river?' }];
/** A page sets text as it likes. */
const plain = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
/** Fields of ours, which the client passes through. */
const ours = (fields: object) => fields as object;

test.skipIf(executablePath === undefined)(
  'a person opens the page, signs in with a wallet, chats, sees who computed it, the network and its chain, makes a key that the client uses, signs out, and notices a session that was ended elsewhere',
  async () => {
    await using person = await personWithWallet(net.gateway);
    await person.signsIn();
    const { text: shown, peers } = await person.asks('What is a river?');
    const text = plain(shown);
    expect(text.length).toBeGreaterThan(10);
    expect(peers.length).toBeGreaterThan(0);
    for (const peer of peers) expect(net.nodes.map(({ peerId }) => peerId)).toContain(peer);
    expect((await person.looksAtTheNetwork()).toSorted()).toEqual(net.nodes.map(({ peerId }) => peerId).sort());
    expect(await person.looksAtTheNode(peers[0] as string)).toMatch(/stage|experts|whole answer/);
    expect(await person.looksAtTheChain()).toContain('1 of 1 validators of epoch 0 signed');
    const apiKey = await person.makesKey('laptop');
    const program = new OpenAI({ baseURL: `${net.gateway}/v1`, apiKey, maxRetries: 0 });
    const ask = async () => {
      const answer = await program.chat.completions.create({ model, messages, temperature: 0 });
      return plain(answer.choices[0]?.message.content ?? '');
    };
    expect(await ask()).toBe(text);
    await person.signsOut();
    // Keys are of programs: they outlive the session that made them.
    expect(await ask()).toBe(text);
    await person.signsIn();
    await person.endsAllSessionsElsewhere();
    await person.noticesThatItIsOver();
    await person.signsIn();
    await person.revokesKey('laptop');
    await expect(ask()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(person.complaints).toEqual([]);
  },
);

test('models are listed and described by name and by root', async () => {
  const [listed] = (await client.models.list()).data;
  expect(listed).toMatchObject({ id: model, object: 'model', owned_by: 'blyan' });
  expect(await client.models.retrieve(model)).toEqual(listed);
  const { root } = (listed as unknown as { blyan: { root: string } }).blyan;
  expect(await client.models.retrieve(root)).toMatchObject({ id: root, object: 'model' });
});

test('a chat completion, whole and streamed, is the same text with the same usage', async () => {
  const request = { model, messages, temperature: 0, max_tokens: 40 };
  const whole = await client.chat.completions.create(request);
  const text = whole.choices[0]?.message.content as string;
  expect(text.length).toBeGreaterThan(10);
  expect(['stop', 'length']).toContain(whole.choices[0]?.finish_reason);
  const stream = await client.chat.completions.create({
    ...request,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(text);
  expect(chunks.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean)).toEqual([
    whole.choices[0]?.finish_reason,
  ]);
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  expect(whole.usage?.total_tokens).toBe((whole.usage?.prompt_tokens ?? 0) + (whole.usage?.completion_tokens ?? 0));
});

test('clients of other families get the very same text', async () => {
  const { choices } = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 24 });
  const text = choices[0]?.message.content;
  const response = await client.responses.create({ model, input: messages, temperature: 0, max_output_tokens: 24 });
  expect(response.output_text).toBe(text);
  const anthropic = new Anthropic({ baseURL: net.gateway, apiKey: 'unused' });
  const message = await anthropic.messages.stream({ model, messages, temperature: 0, max_tokens: 24 }).finalMessage();
  expect(message.content).toEqual([{ type: 'text', text }]);
  const ollama = new Ollama({ host: net.gateway });
  let said = '';
  const options = { temperature: 0, num_predict: 24 };
  for await (const part of await ollama.chat({ model, messages, options, stream: true })) said += part.message.content;
  expect(said).toBe(text);
});

test('a long prompt that was asked before costs less, and who computed it says how much of it was kept', async () => {
  const prompt = 'A river flows from the hills to the sea. '.repeat(8);
  const ask = async () => {
    const request = { model, prompt, temperature: 0, max_tokens: 2, ...ours({ blyan: { plan: 'pipeline' } }) };
    const { usage, blyan } = (await client.completions.create(request)) as unknown as {
      usage: { prompt_tokens: number; completion_tokens: number };
      blyan: { cost: { amount: string; cachedPromptTokens: number } };
    };
    const { amount, cachedPromptTokens: kept } = blyan.cost;
    // Half a credit for a million tokens of a prompt, an eighth where they were kept, one and a half for the answer's.
    const tokens = 4 * (usage.prompt_tokens - kept) + kept + 12 * usage.completion_tokens;
    expect(BigInt(amount)).toBe(BigInt(tokens) * 125_000_000_000n);
    return kept;
  };
  expect(await ask()).toBe(0);
  expect(await ask()).toBeGreaterThanOrEqual(32);
});

test('text completions of several prompts, as strings and as token ids', async () => {
  const two = await client.completions.create({
    model,
    prompt: ['A river is', 'A king is'],
    temperature: 0,
    max_tokens: 6,
    ...ours({ ignore_eos: true }),
  });
  expect(two.choices.map(({ index }) => index)).toEqual([0, 1]);
  expect(two.usage?.completion_tokens).toBe(12);
  const ids = await client.completions.create({
    model,
    prompt: [5, 6, 7, 8],
    temperature: 0,
    max_tokens: 3,
    ...ours({ ignore_eos: true }),
  });
  expect(ids.usage).toEqual({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 });
});

test('the first stop string cuts the answer, which is a prefix of the uncut one', async () => {
  const request = { model, prompt: 'A river is', temperature: 0, max_tokens: 24, ...ours({ ignore_eos: true }) };
  const text = (await client.completions.create(request)).choices[0]?.text as string;
  const stop = text.slice(9, 12);
  const cut = await client.completions.create({ ...request, stop: [stop, 'never in it'] });
  expect(cut.choices[0]).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' });
  const stream = await client.completions.create({ ...request, stop, stream: true });
  let streamed = '';
  for await (const chunk of stream) streamed += chunk.choices[0]?.text ?? '';
  expect(streamed).toBe(cut.choices[0]?.text);
});

test('a seed gives the same tokens under every plan, another seed others', async () => {
  const ask = async (plan: string, seed: number) => {
    const request = { model, prompt: 'A river is', temperature: 0.8, top_p: 0.95, seed, max_tokens: 24 };
    const answer = await client.completions.create({
      ...request,
      ...ours({ ignore_eos: true, blyan: { plan, return_token_ids: true } }),
    });
    return (answer as unknown as { blyan: { plan: string; token_ids: number[] } }).blyan;
  };
  const answers = await Promise.all(PLAN_TYPES.map((plan) => ask(plan, 7)));
  expect(answers.map(({ plan }) => plan)).toEqual(PLAN_TYPES);
  for (const { token_ids } of answers) expect(token_ids).toEqual(answers[0]?.token_ids);
  expect((await ask('local', 8)).token_ids).not.toEqual(answers[0]?.token_ids);
});

test('log probabilities: the greedy token leads its alternatives, under a plan over the network as locally', async () => {
  const of = async (plan: string) => {
    const more = ours({ ignore_eos: true, blyan: { plan } });
    const chat = await client.chat.completions.create({
      model,
      messages,
      temperature: 0,
      max_tokens: 5,
      logprobs: true,
      top_logprobs: 3,
      ...more,
    });
    const text = await client.completions.create({
      model,
      prompt: 'A river is',
      temperature: 0,
      max_tokens: 5,
      logprobs: 2,
      ...more,
    });
    return { chat: chat.choices[0]?.logprobs?.content, text: text.choices[0]?.logprobs };
  };
  const { chat = [], text } = await of('pipeline');
  expect(chat).toHaveLength(5);
  for (const { token, logprob, top_logprobs } of chat ?? []) {
    expect(top_logprobs).toHaveLength(3);
    expect(top_logprobs[0]).toMatchObject({ token, logprob });
    expect(top_logprobs.reduce((mass, one) => mass + Math.exp(one.logprob), 0)).toBeLessThanOrEqual(1 + 1e-6);
  }
  expect(text?.tokens).toHaveLength(5);
  expect(text?.text_offset?.[0]).toBe(0);
  for (const [index, token] of (text?.tokens ?? []).entries()) {
    expect(text?.top_logprobs?.[index]?.[token]).toBe(text?.token_logprobs?.[index]);
  }
  expect(await of('local')).toEqual({ chat, text });
});

describe('refusals are errors of the client', () => {
  test('an unknown model', async () => {
    const refused = client.chat.completions.create({ model: 'gpt-9', messages });
    await expect(refused).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(refused).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    await expect(client.models.retrieve('gpt-9')).rejects.toMatchObject({ status: 404 });
  });

  test('a prompt that leaves no room in the context', async () => {
    const refused = client.completions.create({ model, prompt: Array(600).fill(5), max_tokens: 1 });
    await expect(refused).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(refused).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      type: 'invalid_request_error',
    });
  });

  test('a token outside the vocabulary, a plan nobody knows, a wrong type', async () => {
    const bad = [
      { prompt: [5, 999_999] },
      { prompt: 'a', ...ours({ blyan: { plan: 'magic' } }) },
      { prompt: 'a', max_tokens: -1 },
    ];
    for (const fields of bad) {
      await expect(client.completions.create({ model, ...fields } as never)).rejects.toMatchObject({
        status: 400,
        type: 'invalid_request_error',
      });
    }
  });

  test('the answer of the longest prompt that fits ends at the context', async () => {
    const { choices, usage } = await client.completions.create({
      model,
      prompt: Array(510).fill(5),
      max_tokens: 50,
      ...ours({ ignore_eos: true }),
    });
    expect(choices[0]?.finish_reason).toBe('length');
    expect(usage?.completion_tokens).toBe(2);
  });
});
