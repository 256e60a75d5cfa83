import { QUOTE_HEADER, type QuoteAnswer } from '@blyan/api';
import { expect, test } from 'vitest';
import { Browser, TestClock } from '../auth/browser.ts';
import { Wallet } from '../auth/wallet.ts';
import { CHAT, COMPLETIONS, chatBody, startGateway } from '../harness.ts';
import { MODEL_ROOT, servedModel, tokensOf } from '../scripted-coordinator.ts';
import { MemoryLedger, posts } from './ledger-fixture.ts';

const QUOTES = '/api/v1/quotes';

async function start(options: object = {}) {
  const books = new MemoryLedger();
  const clock = new TestClock();
  const prices = ['*=0.000000000002/0.000000000003', `${'b2'.repeat(32)}=0.000000000007/0`];
  const script = { tokens: tokensOf('a stream') };
  const found = await startGateway(script, { ledger: await books.open(clock), clock, prices, ...options });
  const ask = (path: string, body: object, quote: string) =>
    found.post(path, body, { headers: { [QUOTE_HEADER]: quote } });
  const quote = async (body: object): Promise<QuoteAnswer> => (await found.post(QUOTES, body)).json();
  return { ...found, books, clock, ask, quote };
}

test('a quote is the price of the prompt and of all that may come, by messages or by their number of tokens', async () => {
  const { quote, clock, coordinator } = await start();
  const { model, messages } = chatBody();
  const given = await quote({ model, messages, max_tokens: 20 });
  expect(given).toMatchObject({ model: 'golden', promptTokens: 35, maxTokens: 20, amount: '130', asset: 'credit' });
  expect(given.price).toEqual({ prompt: '2', cachedPrompt: '2', completion: '3' });
  expect(Date.parse(given.expiresAt)).toBe(clock.ms + 300_000);
  expect(await quote({ model, prompt_tokens: 35, max_tokens: 20 })).toMatchObject({ amount: '130' });
  // Without a limit the answer may fill the context.
  expect(await quote({ model, prompt_tokens: 100 })).toMatchObject({ maxTokens: 28, amount: '284' });
  coordinator.served = [servedModel(), servedModel({ name: 'other', root: 'b2'.repeat(32) })];
  expect(await quote({ model: 'other', prompt_tokens: 10 })).toMatchObject({ amount: '70' });
  expect(coordinator.requests).toHaveLength(0);
});

test('a request for one is refused by name', async () => {
  const { post } = await start();
  const { messages } = chatBody();
  for (const [body, status, param] of [
    [{ model: 'golden' }, 400, 'messages'],
    [{ model: 'golden', messages, prompt_tokens: 3 }, 400, 'messages'],
    [{ model: 'golden', prompt_tokens: 0 }, 400, 'prompt_tokens'],
    [{ model: 'golden', prompt_tokens: 128 }, 400, 'prompt_tokens'],
    [{ model: 'golden', prompt_tokens: 3, max_tokens: 0 }, 400, 'max_tokens'],
    [{ model: 'nothing', prompt_tokens: 3 }, 404, 'model'],
  ] as const) {
    const refused = await post(QUOTES, body);
    expect([refused.status, (await refused.json()).error.param]).toEqual([status, param]);
  }
  const closed = await start({ auth: 'required' });
  expect((await closed.post(QUOTES, { model: 'golden', prompt_tokens: 3 })).status).toBe(401);
});

test('an answer pays at most its quote, in every family, and one that may be larger is refused', async () => {
  const { ask, quote, books, gateway, coordinator } = await start();
  const { model, messages } = chatBody();
  const { id } = await quote({ model, messages, max_tokens: 20 });
  expect((await ask(CHAT, chatBody({ max_tokens: 20 }), id)).status).toBe(200);
  expect((await ask('/v1/messages', { model, messages, max_tokens: 20, temperature: 0 }, id)).status).toBe(200);
  const larger = await ask(CHAT, chatBody({ max_tokens: 21 }), id);
  expect([larger.status, (await larger.json()).error]).toEqual([
    400,
    expect.objectContaining({ code: 'ERR_GATEWAY_QUOTE_EXCEEDED', param: QUOTE_HEADER }),
  ]);
  const prompts = { model, prompt: ['abc', 'abc'], max_tokens: 11 };
  expect((await ask(COMPLETIONS, prompts, id)).status).toBe(400);
  expect(coordinator.requests).toHaveLength(2);
  await gateway.stop();
  const amount = BigInt(2 * 35 + 3 * 8);
  expect(posts(books).map((one) => one.amount)).toEqual([amount, amount]);
  const reserves = books.entries().filter(({ type }) => type === 'reserve');
  expect(reserves.map((one) => one.amount)).toEqual([130n, 130n]);
});

test('what is no quote of this account, this model and these five minutes is refused', async () => {
  const { ask, quote, clock, url, coordinator } = await start({ charge: true });
  coordinator.served = [servedModel(), servedModel({ name: 'other', root: 'b2'.repeat(32) })];
  const { id } = await quote({ model: 'golden', prompt_tokens: 50 });
  const other = await start();
  const foreign = await other.quote({ model: 'golden', prompt_tokens: 50 });
  const [body = '', mac = ''] = id.split('.');
  const forged = Buffer.from(body, 'base64url').toString().replace(MODEL_ROOT, 'b2'.repeat(32));
  const made = [
    foreign.id,
    `${Buffer.from(forged).toString('base64url')}.${mac}`,
    body,
    `.${mac}`,
    '.',
    'x'.repeat(4_000),
  ];
  for (const wrong of made) {
    const refused = await ask(CHAT, chatBody(), wrong);
    expect([refused.status, (await refused.json()).error.code]).toEqual([400, 'ERR_GATEWAY_QUOTE_UNKNOWN']);
  }
  expect((await ask(CHAT, chatBody({ model: 'other' }), id)).status).toBe(400);
  const browser = new Browser(url);
  await browser.signIn(new Wallet());
  expect((await browser.fetch('POST', CHAT, chatBody(), { [QUOTE_HEADER]: id })).status).toBe(400);
  clock.ms += 299_999;
  expect((await ask(CHAT, chatBody({ max_tokens: 20 }), id)).status).toBe(200);
  clock.ms += 1;
  expect((await ask(CHAT, chatBody({ max_tokens: 20 }), id)).status).toBe(400);
});
