import { AppError, systemClock } from '@blyan/interface';
import { DoubleEntryLedger } from '@blyan/ledger';
import { expect, test } from 'vitest';
import { JournalNet } from '../../../packages/p2p/test/journal-net.ts';
import { Browser } from '../auth/browser.ts';
import { Wallet } from '../auth/wallet.ts';
import { CHAT, COMPLETIONS, chatBody, eventsOf, idEventsOf, startGateway } from '../harness.ts';
import { type Script, tokensOf } from '../scripted-coordinator.ts';
import { failing, MemoryLedger, posts } from './ledger-fixture.ts';

const TEXT = { tokens: tokensOf('a stream') };
/** A prompt's token costs 2, one of an answer 3, one that was kept 1. */
const PRICES = ['*=0.000000000002/0.000000000003/0.000000000001'];
const PROMPT = 35;
const cost = (prompt: number, completion: number) => BigInt(2 * prompt + 3 * completion);

async function start(script: Script = TEXT, options: object = {}, books = new MemoryLedger()) {
  const found = await startGateway(script, { ledger: await books.open(), prices: PRICES, ...options });
  /** All that has ended is written. */
  const settled = async () => {
    await found.gateway.stop();
    expect(books.wrong()).toBeNull();
    expect(books.entries().filter(({ type }) => type === 'reserve')).toHaveLength(
      books.entries().filter(({ reservation }) => reservation !== null).length,
    );
    return posts(books);
  };
  return { ...found, books, settled };
}

const messages = chatBody().messages;
const FAMILIES: [string, string, object][] = [
  ['chat', CHAT, chatBody()],
  ['completions', COMPLETIONS, { model: 'golden', prompt: 'abc', temperature: 0 }],
  ['responses', '/v1/responses', { model: 'golden', input: 'abc', temperature: 0 }],
  ['messages', '/v1/messages', { model: 'golden', messages, max_tokens: 50, temperature: 0 }],
  ['ollama chat', '/api/chat', { model: 'golden', messages, options: { temperature: 0 } }],
  ['ollama generate', '/api/generate', { model: 'golden', prompt: 'abc', options: { temperature: 0 } }],
];

test.each(FAMILIES)('%s: whole and streamed answers are charged for what their usage says', async (_, path, body) => {
  const { post, settled, coordinator } = await start();
  const whole = await (await post(path, { ...body, stream: false })).json();
  await (await post(path, { ...body, stream: true })).text();
  const prompt = coordinator.requests[0]?.promptTokens.length ?? 0;
  const charged = { account: 'guest', promptTokens: prompt, completionTokens: 8, amount: cost(prompt, 8) };
  expect(await settled()).toEqual([charged, charged]);
  if (whole.blyan !== undefined)
    expect(whole.blyan.cost).toEqual({ amount: String(charged.amount), asset: 'credit', cachedPromptTokens: 0 });
  const usage = whole.usage ?? { prompt_tokens: whole.prompt_eval_count, completion_tokens: whole.eval_count };
  expect([usage.prompt_tokens ?? usage.input_tokens, usage.completion_tokens ?? usage.output_tokens]).toEqual([
    prompt,
    8,
  ]);
});

test('several prompts are one answer, and the cost is in the last chunk', async () => {
  const { post, settled } = await start();
  const body = { model: 'golden', prompt: ['abc', 'de'], temperature: 0, stream: true };
  const events = await eventsOf(await post(COMPLETIONS, body));
  const last = JSON.parse(events.at(-2) ?? '');
  const amount = cost(5, 16);
  expect(last.blyan.cost).toEqual({ amount: String(amount), asset: 'credit', cachedPromptTokens: 0 });
  expect(await settled()).toEqual([{ account: 'guest', promptTokens: 5, completionTokens: 16, amount }]);
});

test('what fails before its first token costs nothing; what breaks off costs what came', async () => {
  const error = new AppError('ERR_INFERENCE_PEER_GONE', 'gone', { kind: 'peer' });
  const refused = await start({ refuse: error });
  expect((await refused.post(CHAT, chatBody())).status).toBe(503);
  expect(await refused.settled()).toEqual([]);
  expect(refused.books.entries().at(-1)).toMatchObject({ type: 'void', amount: 0n });
  for (const stream of [true, false]) {
    const broken = await start({ ...TEXT, failAt: { index: 3, error } });
    await (await broken.post(CHAT, chatBody({ stream }))).text();
    expect(await broken.settled()).toMatchObject([{ promptTokens: PROMPT, completionTokens: 3 }]);
  }
  const second = await start({ ...TEXT, failAt: { index: 3, error } });
  await (await second.post(COMPLETIONS, { model: 'golden', prompt: ['abc', 'de'], temperature: 0 })).text();
  expect(await second.settled()).toMatchObject([{ promptTokens: 3, completionTokens: 3 }]);
});

test('what a client cancels costs what was computed until then, also what it was not shown', async () => {
  // Half a character: it is computed, and nothing of it can be shown.
  const { post, settled, coordinator } = await start({ tokens: [...tokensOf('ab'), ...tokensOf('강')], holdAt: 4 });
  const response = await post(CHAT, chatBody({ stream: true }));
  await expect.poll(() => coordinator.given).toBe(4);
  await response.body?.cancel();
  await coordinator.aborted;
  expect(await settled()).toMatchObject([{ promptTokens: PROMPT, completionTokens: 4, amount: cost(PROMPT, 4) }]);
});

test('what it may cost is set aside before anything is computed', async () => {
  const { post, settled, books, coordinator } = await start({ ...TEXT, holdAt: 0 });
  const asked = post(CHAT, chatBody({ max_tokens: 20 }));
  await expect.poll(() => coordinator.running).toBe(1);
  const reserve = books.entries().at(-1);
  expect(reserve).toMatchObject({ type: 'reserve', debit: 'guest', amount: cost(PROMPT, 20) });
  coordinator.release();
  await (await asked).text();
  expect(await settled()).toHaveLength(1);
});

test('an account without credit gets 402 in the shape of its family, and nothing is computed; with some it pays', async () => {
  const wallet = new Wallet();
  const { url, settled, books, coordinator } = await start(TEXT, { charge: true });
  const browser = new Browser(url);
  await browser.signIn(wallet);
  const account = wallet.address.toLowerCase();
  const refused = await browser.fetch('POST', CHAT, chatBody());
  expect(refused.status).toBe(402);
  expect(refused.body.error).toMatchObject({ type: 'insufficient_quota', code: 'insufficient_quota' });
  expect(refused.body.error.message).toContain('may cost up to 0.000000000000000349 credits and the account has 0 to');
  const anthropic = await browser.fetch('POST', '/v1/messages', { model: 'golden', messages, max_tokens: 5 });
  expect([anthropic.status, anthropic.body.type, anthropic.body.error.type]).toEqual([402, 'error', 'billing_error']);
  const ollama = await browser.fetch('POST', '/api/chat', { model: 'golden', messages, stream: false });
  expect([ollama.status, ollama.body]).toEqual([402, { error: expect.stringContaining('credits') }]);
  expect(coordinator.requests).toHaveLength(0);
  await books.fund(account, cost(PROMPT, 10));
  expect((await browser.fetch('POST', CHAT, chatBody({ max_tokens: 11 }))).status).toBe(402);
  const paid = await browser.fetch('POST', CHAT, chatBody({ max_tokens: 10 }));
  expect(paid.body.blyan.cost.amount).toBe(String(cost(PROMPT, 8)));
  // A guest owes, and is never refused.
  expect(
    (await fetch(url + CHAT, { method: 'POST', headers: JSON_BODY, body: JSON.stringify(chatBody()) })).status,
  ).toBe(200);
  expect((await settled()).map((one) => one.account)).toEqual([account, 'guest']);
  expect((await books.store.account(account))?.credits).toBe(cost(PROMPT, 10));
  expect((await books.store.account(account))?.debits).toBe(cost(PROMPT, 8));
});

const JSON_BODY = { 'content-type': 'application/json' };

test('a gateway that does not charge writes down what an account uses', async () => {
  const wallet = new Wallet();
  const { url, settled } = await start();
  const browser = new Browser(url);
  await browser.signIn(wallet);
  expect((await browser.fetch('POST', CHAT, chatBody())).body.blyan.cost.amount).toBe('0');
  const account = wallet.address.toLowerCase();
  expect(await settled()).toEqual([{ account, promptTokens: PROMPT, completionTokens: 8, amount: 0n }]);
});

const resume = (url: string, response: Response) =>
  fetch(`${url}/api/v1/requests/${response.headers.get('x-request-id')}/stream`);

test('a resumed answer is not charged twice', async () => {
  const journal = new JournalNet().join('a');
  const { url, post, settled, coordinator } = await start({ ...TEXT, holdAt: 5 }, { journal });
  const first = await post(CHAT, chatBody({ stream: true }));
  await expect.poll(() => coordinator.given).toBe(5);
  await first.body?.cancel();
  await coordinator.aborted;
  coordinator.script = TEXT;
  const whole = await idEventsOf(await resume(url, first));
  const { blyan } = JSON.parse(whole.at(-2)?.data ?? '');
  expect(blyan.cost.amount).toBe(String(cost(PROMPT, 8)));
  // It is complete: whoever reads it again pays nothing.
  await idEventsOf(await resume(url, first));
  expect(await settled()).toEqual([
    { account: 'guest', promptTokens: PROMPT, completionTokens: 5, amount: cost(PROMPT, 5) },
    { account: 'guest', promptTokens: 0, completionTokens: 3, amount: cost(0, 3) },
  ]);
});

test('tokens of a prompt that were kept from before cost less, once, also when the answer is resumed', async () => {
  const journal = new JournalNet().join('a');
  const { url, post, settled, coordinator } = await start({ ...TEXT, cachedTokens: 32, holdAt: 5 }, { journal });
  const first = await post(CHAT, chatBody({ stream: true }));
  await expect.poll(() => coordinator.given).toBe(5);
  await first.body?.cancel();
  await coordinator.aborted;
  coordinator.script = { ...TEXT, cachedTokens: 16 };
  const { blyan } = JSON.parse((await idEventsOf(await resume(url, first))).at(-2)?.data ?? '');
  expect(blyan.cost).toEqual({ amount: String(cost(PROMPT, 8) - 32n), asset: 'credit', cachedPromptTokens: 32 });
  expect((await settled()).map(({ amount }) => amount)).toEqual([cost(PROMPT, 5) - 32n, cost(0, 3)]);
});

test('a gateway that goes on with the answer of another one charges what it computes itself', async () => {
  const net = new JournalNet();
  const journals = { a: net.join('a'), b: net.join('b') };
  const a = await start({ ...TEXT, holdAt: 5 }, { journal: journals.a });
  const b = await start(TEXT, { journal: journals.b });
  const first = await a.post(CHAT, chatBody({ stream: true }));
  await expect.poll(() => a.coordinator.given).toBe(5);
  await journals.a.settled();
  net.kill('a');
  await idEventsOf(await resume(b.url, first));
  expect(await b.settled()).toEqual([{ account: 'guest', promptTokens: 0, completionTokens: 3, amount: cost(0, 3) }]);
});

test('what a crash left is released at the next start', async () => {
  const books = new MemoryLedger();
  const { ledger } = await books.open();
  await ledger.openAccount({ id: 'guest', kind: 'guest', asset: 'credit' });
  await ledger.openAccount({ id: 'revenue', kind: 'revenue', asset: 'credit' });
  const left = Array.from({ length: 1_500 }, (_, at) => `answer/${at}`);
  const reserve = { debit: 'guest', credit: 'revenue', amount: 7n, timeoutMs: 3_600_000 };
  await Promise.all(left.map((key) => ledger.reserve({ key, ...reserve })));
  expect((await books.store.account('guest'))?.reserved).toBe(10_500n);
  await start(TEXT, {}, books);
  expect((await books.store.account('guest'))?.reserved).toBe(0n);
  expect(books.wrong()).toBeNull();
});

test('where the ledger takes nothing, nothing is computed; an end that it did not take is written later', async () => {
  const books = new MemoryLedger();
  const { store, told } = failing(books.store);
  const ledger = new DoubleEntryLedger({ store, clock: systemClock });
  await ledger.start();
  const { post, settled, coordinator } = await start({ ...TEXT, holdAt: 8 }, { ledger: { ledger, store } }, books);
  told.next = 'before';
  const refused = await post(CHAT, chatBody());
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  expect((await refused.json()).error).toMatchObject({ type: 'overloaded_error', code: 'ERR_LEDGER_DISK_FULL' });
  expect(coordinator.requests).toHaveLength(0);
  const asked = post(CHAT, chatBody());
  await expect.poll(() => coordinator.given).toBe(8);
  told.next = 'before';
  coordinator.release();
  expect((await asked).status).toBe(200);
  expect(await settled()).toMatchObject([{ completionTokens: 8 }]);
});

test('what is resumed while the ledger has not taken its first part is charged once', async () => {
  const books = new MemoryLedger();
  const { store, told } = failing(books.store);
  const ledger = new DoubleEntryLedger({ store, clock: systemClock });
  await ledger.start();
  const script = { ...TEXT, holdAt: 5 };
  const journal = new JournalNet().join('a');
  const { url, post, settled, coordinator } = await start(script, { journal, ledger: { ledger, store } }, books);
  const first = await post(CHAT, chatBody({ stream: true }));
  await expect.poll(() => coordinator.given).toBe(5);
  told.next = 'before';
  await first.body?.cancel();
  await coordinator.aborted;
  coordinator.script = TEXT;
  // The stream's end is what failed; as long as the ledger takes nothing, nothing is resumed.
  await expect.poll(() => told.next).toBeNull();
  told.next = 'always';
  expect((await resume(url, first)).status).toBe(503);
  told.next = null;
  await idEventsOf(await resume(url, first));
  expect((await settled()).map(({ amount }) => amount)).toEqual([cost(PROMPT, 5), cost(0, 3)]);
});

test('an answer that another gateway of the ledger finishes before its first one is charged for it is charged once', async () => {
  const books = new MemoryLedger();
  const { store, told } = failing(books.store);
  const ledger = new DoubleEntryLedger({ store, clock: systemClock });
  await ledger.start();
  const net = new JournalNet();
  const journals = { a: net.join('a'), b: net.join('b') };
  const held = { ...TEXT, cachedTokens: 32, holdAt: 5 };
  const a = await start(held, { journal: journals.a, ledger: { ledger, store, isShared: true } }, books);
  const b = await start({ ...TEXT, cachedTokens: 16 }, { journal: journals.b }, books);
  const first = await a.post(CHAT, chatBody({ stream: true }));
  await expect.poll(() => a.coordinator.given).toBe(5);
  await journals.a.settled();
  told.next = 'before';
  await first.body?.cancel();
  await expect.poll(() => told.next).toBeNull();
  const { blyan } = JSON.parse((await idEventsOf(await resume(b.url, first))).at(-2)?.data ?? '');
  await b.gateway.stop();
  const whole = cost(PROMPT, 8) - 16n;
  expect(blyan.cost.amount).toBe(String(whole));
  // The first one gets to it at last.
  expect((await a.settled()).map(({ amount }) => amount)).toEqual([whole]);
});
