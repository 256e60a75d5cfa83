import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '@blyan/interface';
import { DoubleEntryLedger, SqliteStore } from '@blyan/ledger';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { Browser } from '../../gateway/test/auth/browser.ts';
import { Wallet } from '../../gateway/test/auth/wallet.ts';
import { CHAT, chatBody, startGateway } from '../../gateway/test/harness.ts';
import { tokensOf } from '../../gateway/test/scripted-coordinator.ts';
import { cli } from './test-context.ts';

async function folder() {
  const dir = await temporaryDirectory();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const data = join(dir.path, 'data');
  await mkdir(data);
  return { root: dir.path, data, path: join(data, 'ledger.db') };
}

/** A gateway that charges over a ledger on disk, and somebody with an account and a key. */
async function start() {
  const { root, data, path } = await folder();
  const store = new SqliteStore({ path });
  const ledger = new DoubleEntryLedger({ store, clock: systemClock });
  await ledger.start();
  const { url } = await startGateway({ tokens: tokensOf('A stream.') }, { ledger: { ledger, store }, charge: true });
  onTestFinished(() => ledger.stop());
  const wallet = new Wallet();
  const browser = new Browser(url);
  await browser.signIn(wallet);
  const scopes = ['inference', 'account'];
  const { key } = (await browser.fetch('POST', '/auth/keys', { name: 'x', scopes })).body;
  const env = { BLYAN_API_KEY: key, BLYAN_CREDENTIALS: join(root, 'credentials.json') };
  const at = (...args: string[]) => cli([...args, '--data-dir', data], { env });
  const account = (...args: string[]) => cli(['account', ...args, '--gateway', url], { env });
  return { wallet, browser, at, account, path };
}

test('the operator tops an account up beside the running gateway, once for each payment, and it can pay', async () => {
  const { wallet, browser, at, account } = await start();
  expect((await browser.fetch('POST', CHAT, chatBody())).status).toBe(402);
  const given = await at('ledger', 'top-up', wallet.address, '2.5', '--id', 'invoice-17', '--note', 'Invoice 17');
  expect(given).toMatchObject({ code: 0, stdout: expect.stringContaining('2.5 credits (invoice-17) and has 2.5 to') });
  const again = await at('ledger', 'top-up', wallet.address, '2.5', '--id', 'invoice-17', '--note', 'Invoice 17');
  expect(again.stdout).toContain('has 2.5 to spend');
  const other = await at('ledger', 'top-up', wallet.address, '3', '--id', 'invoice-17');
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_LEDGER_CONFLICT') });
  expect((await browser.fetch('POST', CHAT, chatBody())).status).toBe(200);
  await expect
    .poll(async () => (await account('statement')).stdout)
    .toMatch(/ answer +-0\.000031 +golden, 35 \+ 9 tokens/);
  expect((await account('statement')).stdout).toMatch(
    /to spend +2\.499969 credits, 0 set aside[\s\S]+top-up +2\.5 +Invoice 17/,
  );
  const page = JSON.parse((await account('statement', '--limit', '1', '--json')).stdout);
  expect(page.data).toHaveLength(1);
  const rest = JSON.parse((await account('statement', '--before', String(page.next), '--json')).stdout);
  expect(rest.data.map(({ type }: { type: string }) => type)).toEqual(['top-up']);
  expect((await account('statement', '--limit', '0')).code).toBe(2);
});

test('the books are read beside the running gateway: balanced and sound, and what was changed is found', async () => {
  const { browser, at, path, wallet } = await start();
  await at('ledger', 'top-up', wallet.address, '1');
  expect((await browser.fetch('POST', CHAT, chatBody())).status).toBe(200);
  const sums = await at('ledger', 'trial-balance');
  expect(sums).toMatchObject({ code: 0, stdout: expect.stringContaining('The books are balanced.') });
  const balance = JSON.parse((await at('ledger', 'trial-balance', '--json')).stdout);
  expect(balance).toMatchObject({ isBalanced: true, data: [{ asset: 'credit', difference: '0' }] });
  expect(await at('ledger', 'verify')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^All \d+ entries are sound/),
  });
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec(`DROP TRIGGER entry_no_update; UPDATE entry SET amount = '9' WHERE type = 'transfer'`);
  database.exec("UPDATE balance SET credits = '7' WHERE account = 'revenue'");
  database.close();
  expect(await at('ledger', 'verify')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/DAMAGED at entry \d+: /),
  });
  expect(await at('ledger', 'trial-balance')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('NOT balanced'),
  });
});

test('where there is no ledger, or what is asked makes no sense, nothing is made', async () => {
  const { data } = await folder();
  const at = (...args: string[]) => cli(['ledger', ...args, '--data-dir', data]);
  const address = `0x${'1'.repeat(40)}`;
  for (const args of [['verify'], ['trial-balance'], ['top-up', address, '1']])
    expect(await at(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_LEDGER_MISSING') });
  for (const args of [
    ['top-up', 'alice', '1'],
    ['top-up', address, '0'],
    ['top-up', address, '1.0000000000000000001'],
    ['top-up', address, '1', '--id', 'a b'],
    ['top-up', address, '1', '--note', ''],
  ])
    expect((await at(...args)).code).toBe(2);
});
