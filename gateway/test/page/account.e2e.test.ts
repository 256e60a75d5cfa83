import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { noticeText } from '../../web/src/account/notice-text.ts';
import { problemText } from '../../web/src/account/text.ts';
import { accountText } from '../../web/src/pages/account/text.ts';
import { Browser } from '../auth/browser.ts';
import { InjectedWallet } from '../auth/injected-wallet.ts';
import { chatBody } from '../harness.ts';
import { MemoryLedger } from '../metering/ledger-fixture.ts';
import { tokensOf } from '../scripted-coordinator.ts';
import { axeFindings } from './axe.ts';
import { executablePath, type OpenOptions, pageBrowser } from './page-browser.ts';

describe.skipIf(executablePath === undefined)('the account page in Chromium', () => {
  const open = pageBrowser();

  /** The account page of somebody who is signed in. */
  async function openAccount(options: OpenOptions = {}) {
    const wallet = new InjectedWallet();
    const setUp = options.setUp ?? ((page) => wallet.installIn(page));
    const books = new MemoryLedger();
    const opened = await open(
      { tokens: tokensOf('A stream.') },
      { ledger: await books.open(), ...options, path: '/account', setUp },
    );
    const { page } = opened;
    await page.locator('.wallets button').click();
    await page.getByTestId('session').waitFor();
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    return { ...opened, wallet, books, button, focused };
  }

  test('a key is made for some rights and days, shown once, copied, used, listed, and revoked after a question', async () => {
    const { page, url, button, focused, complaints } = await openAccount({
      auth: 'required',
      browser: { permissions: ['clipboard-read', 'clipboard-write'] },
    });
    await page.getByLabel(accountText.en.keyName, { exact: true }).fill(' laptop ');
    await page.getByLabel(accountText.en.keyLife).selectOption('30');
    const answers = page.getByRole('checkbox', { name: accountText.en.inference });
    await answers.uncheck();
    await button(accountText.en.makeKey).click();
    await page.getByRole('alert').getByText(accountText.en.scopeless).waitFor();
    await answers.check();
    await button(accountText.en.makeKey).click();
    await page.getByRole('status').getByText(accountText.en.keyMade('laptop')).waitFor();
    const apiKey = (await page.getByTestId('new-key').textContent()) ?? '';
    expect(await focused()).toContain(apiKey);
    await button(accountText.en.copyWhat(accountText.en.theKey)).click();
    await page.getByRole('status').getByText(accountText.en.copied).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(apiKey);
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
    const answer = await client.chat.completions.create(chatBody());
    expect(answer.choices[0]?.message.content).toBe('A stream.');
    await button(accountText.en.stored).click();
    expect(await focused()).toBe(accountText.en.keys);
    await page.reload();
    const row = page.getByTestId('api-key');
    await row.getByText('last used').waitFor();
    expect(await page.content()).not.toContain(apiKey);
    const facts = (await row.textContent()) ?? '';
    expect(facts).toContain(`laptop bly_sk_…${apiKey.slice(-4)}`);
    expect(facts).toMatch(/Answers · made .* · expires /);
    await button(accountText.en.revokeWhich('laptop')).click();
    expect(await focused()).toBe(accountText.en.revokeNo);
    await page.keyboard.press('Enter');
    await button(accountText.en.revokeWhich('laptop')).click();
    await button(accountText.en.revokeYes).click();
    await row.waitFor({ state: 'detached' });
    await page.getByRole('status').getByText(accountText.en.keyRevoked('laptop')).waitFor();
    await expect(client.chat.completions.create(chatBody())).rejects.toMatchObject({ status: 401 });
    expect(complaints).toEqual([]);
  });

  test('sessions are listed with their device; others are ended one by one and together; this one ended elsewhere is noticed', async () => {
    const { page, url, wallet, button, focused } = await openAccount();
    const elsewhere = [new Browser(url), new Browser(url), new Browser(url)] as const;
    for (const browser of elsewhere) await browser.signIn(wallet.account);
    await page.reload();
    const rows = page.getByTestId('session');
    await rows.nth(3).waitFor();
    expect(await rows.filter({ hasText: accountText.en.thisSession }).textContent()).toMatch(/^(Chrome|Edge), Linux/);
    await rows.nth(0).getByRole('button').click();
    await page.getByRole('status').getByText(accountText.en.sessionEnded(accountText.en.program)).waitFor();
    expect(await focused()).toBe(accountText.en.sessions);
    await rows.nth(3).waitFor({ state: 'detached' });
    await button(accountText.en.endOthers).click();
    await page.getByRole('status').getByText(accountText.en.sessionsEnded(2)).waitFor();
    for (const browser of elsewhere) expect((await browser.fetch('GET', '/auth/session')).body.kind).toBe('guest');
    await rows.nth(1).waitFor({ state: 'detached' });
    const [phone] = elsewhere;
    await phone.signIn(wallet.account);
    await phone.fetch('DELETE', '/auth/sessions?except=current');
    await button(accountText.en.makeKey).isEnabled();
    // Whatever is done next with an ended session is refused, and then the page knows.
    await page.getByLabel(accountText.en.keyName, { exact: true }).fill('late');
    await button(accountText.en.makeKey).click();
    await page.getByRole('status').getByText(noticeText.en.ended).waitFor();
    await page.getByRole('button', { name: accountText.en.signInWith('MetaMask') }).waitFor();
    expect(await page.getByTestId('account-link').textContent()).toBe('Sign in');
  });

  test('looking at the page again shows that the session is over; another tab that signs out is heard', async () => {
    const { page, url, wallet } = await openAccount();
    const notice = (of: typeof page) => of.getByRole('status').getByText(noticeText.en.ended).waitFor();
    const tab = await page.context().newPage();
    await tab.goto(`${url}/account`);
    await tab.getByRole('button', { name: accountText.en.signOut }).click();
    await tab.getByRole('status').getByText(noticeText.en.signed_out).waitFor();
    await notice(page);
    expect(await page.context().cookies()).toEqual([]);
    await page.locator('.wallets button').click();
    await page.getByTestId('address').waitFor();
    const phone = new Browser(url);
    await phone.signIn(wallet.account);
    await phone.fetch('DELETE', '/auth/sessions');
    await page.getByRole('link', { name: 'Network', exact: true }).click();
    await page.evaluate(() => window.dispatchEvent(new Event('focus')));
    // On whatever page somebody is, until it was read.
    await page.getByTestId('session-notice').getByText(noticeText.en.ended).waitFor();
    await page.getByRole('button', { name: 'OK, got it' }).click();
    expect(await page.getByTestId('session-notice').isVisible()).toBe(false);
    expect(await page.getByTestId('account-link').textContent()).toBe('Sign in');
  });

  test('credits: what is there, what answers cost, what came, page by page', async () => {
    const { page, wallet, books, button } = await openAccount({ charge: true, prices: ['*=1000000/2000000'] });
    await page.getByText(accountText.en.noLines).waitFor();
    await books.fund(wallet.account.account, 1000n * 10n ** 18n);
    for (let i = 0; i < 10; i++) {
      const status = await page.evaluate(async (body) => {
        const headers = { 'content-type': 'application/json' };
        return (await fetch('/v1/chat/completions', { method: 'POST', headers, body: JSON.stringify(body) })).status;
      }, chatBody());
      expect(status).toBe(200);
    }
    await page.reload();
    const lines = page.getByTestId('statement-line');
    await lines.nth(9).waitFor();
    // 35 tokens asked at 1 credit each, 9 answered at 2.
    expect(await lines.nth(0).textContent()).toMatch(/Answergolden · 35 \+ 9 tokens−53$/);
    expect(await page.getByTestId('balance-available').textContent()).toBe('To spend470 credits');
    expect(await page.getByTestId('balance-spent').textContent()).toBe('Spent so far530 credits');
    await button(accountText.en.older).click();
    await lines.nth(10).waitFor();
    expect(await lines.last().textContent()).toMatch(/\+1000$/);
    expect(await button(accountText.en.older).count()).toBe(0);
  });

  test('limits tell what is left, the level, and what is missing for the next', async () => {
    const { page, url } = await openAccount({ limits: true });
    const answers = Array.from({ length: 3 }, () =>
      page.evaluate(async (body) => {
        const headers = { 'content-type': 'application/json' };
        const response = await fetch('/v1/chat/completions', { method: 'POST', headers, body: JSON.stringify(body) });
        return response.status;
      }, chatBody()),
    );
    expect(await Promise.all(answers)).toEqual([200, 200, 200]);
    await page.goto(`${url}/account`);
    await page.getByTestId('quota').first().waitFor();
    const quotas = await page.getByTestId('quota').allTextContents();
    expect(quotas[0]).toMatch(/^Requests a minute(57|58|59) of 60 left$/);
    expect(quotas[3]).toBe('Answers at once4 of 4 left');
    expect(await page.getByTestId('level').textContent()).toBe('Newcomer');
    expect(await page.getByTestId('next-level').textContent()).toMatch(/^32 more good answers .* at least 4 days/);
    await page.getByTestId('language').selectOption('ko');
    expect(await page.getByTestId('level').textContent()).toBe('새 사용자');
  });

  test('a terminal that shows a code gets a key when it is approved, nothing when it is refused', async () => {
    const { page, url, button, focused } = await openAccount();
    const terminal = new Browser(url, null);
    const begin = async () => (await terminal.fetch('POST', '/auth/device', { name: 'my terminal' })).body;
    const ask = async (deviceCode: string) => (await terminal.fetch('POST', '/auth/device/key', { deviceCode })).body;
    const enter = async (code: string) => {
      await page.getByLabel(accountText.en.deviceCode).fill(code);
      await button(accountText.en.deviceLook).click();
    };
    await enter('hello');
    await page.getByRole('alert').getByText(accountText.en.deviceNoCode).waitFor();
    await enter('BCDF-GHJK');
    await page.getByRole('alert').getByText(problemText.en.device_code).waitFor();
    const good = await begin();
    await enter(`${good.userCode.slice(0, 4)}-${good.userCode.slice(4)}`.toLowerCase());
    await page.getByTestId('device').getByText('my terminal').waitFor();
    expect(await focused()).toContain(accountText.en.deviceWarning);
    expect(await ask(good.deviceCode)).toEqual({ status: 'pending' });
    await button(accountText.en.deviceApprove).click();
    await page.getByRole('status').getByText(accountText.en.deviceApproved('my terminal')).waitFor();
    expect((await ask(good.deviceCode)).status).toBe('approved');
    const other = await begin();
    await enter(other.userCode);
    await button(accountText.en.deviceRefuse).click();
    await page.getByRole('status').getByText(accountText.en.deviceRefused('my terminal')).waitFor();
    expect((await ask(other.deviceCode)).error.code).toBe('ERR_GATEWAY_DEVICE_CODE');
  });

  test.each([
    ['en', 'light'],
    ['ko', 'dark'],
  ] as const)('at 360 pixels nothing of it is wider than the window, and axe finds nothing (%s, %s)', async (locale, colorScheme) => {
    const viewport = { width: 360, height: 740 };
    const { page, button } = await openAccount({ browser: { locale, colorScheme, viewport } });
    await page.getByLabel(accountText[locale].keyName, { exact: true }).fill('x'.repeat(64));
    await button(accountText[locale].makeKey).click();
    await page.getByTestId('new-key').waitFor();
    await page.getByTestId('quota').first().waitFor();
    const wide = await page.evaluate(() => document.querySelector('main')?.scrollWidth ?? 0);
    expect(wide).toBeLessThanOrEqual(360);
    const [header, main] = await Promise.all(
      ['header', 'main'].map((name) => page.locator(name).first().boundingBox()),
    );
    expect(main?.y).toBe((header?.y ?? 0) + (header?.height ?? 0));
    expect(await axeFindings(page)).toEqual([]);
    await button(accountText[locale].signOut).click();
    await page.locator('.wallets button').waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });
});
