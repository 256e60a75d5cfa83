import type { StatementAnswer, StatementLine } from '@blyan/api';
import { expect, test } from 'vitest';
import { topUp } from '../../src/metering/top-ups.ts';
import { Browser } from '../auth/browser.ts';
import { Wallet } from '../auth/wallet.ts';
import { CHAT, chatBody, startGateway } from '../harness.ts';
import { tokensOf } from '../scripted-coordinator.ts';
import { MemoryLedger } from './ledger-fixture.ts';

const STATEMENT = '/api/v1/account/statement';
const TRIAL_BALANCE = '/api/v1/ledger/trial-balance';
const CREDIT = 10n ** 18n;

async function start() {
  const books = new MemoryLedger();
  const { ledger, store } = await books.open();
  const found = await startGateway({ tokens: tokensOf('a stream') }, { ledger: { ledger, store }, charge: true });
  const wallet = new Wallet();
  const browser = new Browser(found.url);
  await browser.signIn(wallet);
  return { ...found, browser, ledger, account: wallet.address.toLowerCase() };
}

test('a statement has what came, what was paid and what was given back, page by page, the latest first', async () => {
  const { browser, ledger, account, gateway, coordinator } = await start();
  const empty = await browser.fetch('GET', STATEMENT);
  const nothing = { available: '0', reserved: '0', credits: '0', debits: '0' };
  expect(empty.body).toEqual({ account, asset: 'credit', isCharged: true, balance: nothing, data: [], next: null });
  const paid = { source: 'operator', account, amount: CREDIT };
  await topUp(ledger, { ...paid, id: 'one', note: 'thank you' });
  await topUp(ledger, { ...paid, id: 'one', note: 'thank you' });
  await expect(topUp(ledger, { ...paid, id: 'one', amount: 5n })).rejects.toMatchObject({
    code: 'ERR_LEDGER_CONFLICT',
  });
  const asked = await browser.fetch('POST', CHAT, chatBody());
  const script = coordinator.script;
  coordinator.script = { refuse: new Error('no') };
  await browser.fetch('POST', CHAT, chatBody());
  coordinator.script = script;
  for (let i = 0; i < 3; i++) await browser.fetch('POST', CHAT, chatBody());
  const read = async (query: string): Promise<StatementAnswer> => (await browser.fetch('GET', STATEMENT + query)).body;
  await expect.poll(async () => (await read('')).balance.reserved).toBe('0');
  const whole = await read('?limit=100');
  expect(whole.data.map(({ type }) => type)).toEqual(['answer', 'answer', 'answer', 'released', 'answer', 'top-up']);
  const { amount } = asked.body.blyan.cost;
  expect(whole.data.at(-2)).toMatchObject({
    amount: `-${amount}`,
    model: 'golden',
    promptTokens: 35,
    completionTokens: 8,
  });
  expect(whole.data.at(-1)).toMatchObject({ amount: String(CREDIT), note: 'thank you', answer: null });
  expect(whole.data.reduce((sum, line) => sum + BigInt(line.amount), 0n)).toBe(BigInt(whole.balance.available));
  expect(whole.next).toBeNull();
  for (const limit of [1, 2, 3, 7]) {
    const lines: StatementLine[] = [];
    for (let before: number | null = 999_999; before !== null; ) {
      const page: StatementAnswer = await read(`?limit=${limit}&before=${before}`);
      expect(page.data.length).toBeLessThanOrEqual(limit);
      lines.push(...page.data);
      before = page.next;
    }
    expect(lines).toEqual(whole.data);
  }
  await gateway.stop();
});

test('a statement is for its account alone', async () => {
  const { browser, url } = await start();
  expect((await fetch(url + STATEMENT)).status).toBe(401);
  const { key } = (await browser.fetch('POST', '/auth/keys', { name: 'x', scopes: ['inference'] })).body;
  const asked = await fetch(url + STATEMENT, { headers: { authorization: `Bearer ${key}` } });
  expect([asked.status, (await asked.json()).error.code]).toEqual([403, 'ERR_GATEWAY_SCOPE']);
  const foreign = await fetch(url + STATEMENT, { headers: { origin: 'https://evil.example' } });
  expect(foreign.status).toBe(403);
  for (const query of [
    '?limit=0',
    '?limit=101',
    '?before=0',
    '?before=x',
    '?limit=1.5',
    '?limit=1e1',
    '?before=0x10',
    '?before=',
  ])
    expect((await browser.fetch('GET', STATEMENT + query)).status).toBe(400);
});

test('the trial balance is for programs of the same machine', async () => {
  const { url, post } = await start();
  await post(CHAT, chatBody());
  const balance = await (await fetch(url + TRIAL_BALANCE)).json();
  expect(balance).toMatchObject({ isBalanced: true, data: [{ asset: 'credit', accounts: 2, difference: '0' }] });
  const proxied = await fetch(url + TRIAL_BALANCE, { headers: { 'x-forwarded-for': '192.0.2.1' } });
  expect([proxied.status, (await proxied.json()).error.code]).toEqual([403, 'ERR_GATEWAY_NOT_LOCAL']);
  const behind = await fetch(url + TRIAL_BALANCE, { headers: { via: '1.1 proxy' } });
  expect(behind.status).toBe(403);
  const none = await startGateway();
  expect((await fetch(none.url + TRIAL_BALANCE)).status).toBe(503);
});
