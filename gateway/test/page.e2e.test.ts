import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@blyan/interface';
import OpenAI from 'openai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TestClock } from './auth/browser.ts';
import { InjectedWallet } from './auth/injected-wallet.ts';
import { chatBody, startGateway } from './harness.ts';
import { PEERS, type Script, tokensOf } from './scripted-coordinator.ts';

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

describe.skipIf(executablePath === undefined)('the chat page in Chromium', () => {
  const webDir = mkdtempSync(join(tmpdir(), 'blyan-page-'));
  let browser: Browser;

  beforeAll(async () => {
    const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
    await build({ configFile, logLevel: 'error', build: { outDir: webDir } });
    browser = await chromium.launch({
      executablePath,
      args: [...args, '--disable-component-update', '--disable-sync'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(webDir, { recursive: true });
  });

  /** The page over a scripted coordinator; every complaint of the browser (policy, script, network) is kept. */
  async function open(
    script: Script,
    setUp: (page: Page) => Promise<void> = async () => {},
    options: Parameters<typeof startGateway>[1] = {},
  ) {
    const { coordinator, url } = await startGateway(script, { webDir, ...options });
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await setUp(page);
    await page.goto(url);
    await page.getByTestId('node').nth(1).waitFor({ state: 'attached' });
    return { page, coordinator, complaints, url };
  }

  test('Enter asks, the answer streams in, and the page says which node did what', async () => {
    const { page, coordinator, complaints } = await open({ tokens: tokensOf('<b>river</b>: 강 🌊') });
    await page.getByTestId('plan').selectOption('dynamic');
    await page.getByTestId('composer').fill('What is a river?');
    await page.keyboard.press('Enter');
    await page.getByTestId('route').waitFor();
    expect(await page.getByTestId('answer-text').textContent()).toBe('<b>river</b>: 강 🌊');
    expect(await page.getByTestId('answer').getAttribute('data-status')).toBe('done');
    const peers = await page.getByTestId('route-entry').evaluateAll((rows) => rows.map((row) => row.dataset.peer));
    expect(peers).toEqual(PEERS);
    expect(await page.getByTestId('answer-plan').textContent()).toBe('dynamic');
    expect(await page.getByTestId('speed').textContent()).toBe('235');
    expect(await page.getByTestId('first-token').textContent()).toBe('22 ms');
    expect(coordinator.requests).toMatchObject([{ plan: 'dynamic', sampling: { temperature: 0 } }]);
    expect(await page.getByTestId('composer').inputValue()).toBe('');
    expect(complaints).toEqual([]);
  });

  test('Enter that ends the composition of a syllable does not send', async () => {
    const { page, coordinator } = await open({});
    await page.getByTestId('composer').fill('강');
    const enter = { key: 'Enter', bubbles: true, cancelable: true };
    await page.getByTestId('composer').dispatchEvent('keydown', { ...enter, isComposing: true });
    await page.getByTestId('composer').dispatchEvent('keydown', { ...enter, keyCode: 229 });
    await page.getByTestId('composer').press('Shift+Enter');
    expect(await page.getByTestId('composer').inputValue()).toBe('강\n');
    expect(coordinator.requests).toEqual([]);
  });

  test('Stop cancels the generation and keeps what was said', async () => {
    const { page, coordinator, complaints } = await open({ tokens: tokensOf('abcdef'), holdAt: 3 });
    await page.getByRole('button', { name: 'Define courage.' }).click();
    await page.getByTestId('answer-text').getByText('abc').waitFor();
    await page.getByTestId('stop').click();
    expect(await coordinator.aborted).toMatchObject({ code: 'ERR_GATEWAY_CLIENT_GONE' });
    await page.getByTestId('send').waitFor();
    expect(await page.getByTestId('answer').getAttribute('data-status')).toBe('stopped');
    expect(await page.getByTestId('answer-text').textContent()).toBe('abc');
    expect(complaints).toEqual([]);
  });

  test('a failure is said in words, and the next question works', async () => {
    class PeerError extends AppError {}
    const error = new PeerError('ERR_X_PEER_GONE', 'A node of the plan is gone: ask again.', { kind: 'peer' });
    const { page, coordinator } = await open({ tokens: tokensOf('abc'), failAt: { index: 1, error } });
    await page.getByTestId('composer').fill('one');
    await page.getByTestId('send').click();
    await page.getByRole('alert').getByText('A node of the plan is gone: ask again.').waitFor();
    coordinator.script = { tokens: tokensOf('fine') };
    await page.getByTestId('composer').fill('two');
    await page.keyboard.press('Enter');
    await page.getByTestId('answer-text').getByText('fine').waitFor();
  });

  test('the welcome is honest, and a gap in the network is shown', async () => {
    const { page, coordinator } = await open({});
    await page.getByText('may recover your prompt').waitFor();
    await page.getByText('says nonsense').waitFor();
    coordinator.missing = ['expert:2.7'];
    await page.getByText('Missing: expert:2.7').waitFor();
    await page.getByText('2 nodes, not complete').waitFor();
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
  ] as const)('in a %s window of %i pixels nothing is wider than the window', async (colorScheme, width) => {
    const { page } = await open({ tokens: tokensOf(`long ${'x'.repeat(60)}`) }, async (one) => {
      await one.emulateMedia({ colorScheme });
      await one.setViewportSize({ width, height: 760 });
    });
    await page.getByTestId('composer').fill(`${'y'.repeat(20)} ?`);
    await page.keyboard.press('Enter');
    await page.getByTestId('answer').waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    if (width < 500) await page.getByTestId('network-toggle').click();
    expect(await page.getByTestId('network').isVisible()).toBe(true);
  });

  /** The page with a wallet, its account dialog open. */
  async function openAccount(options: Parameters<typeof startGateway>[1] = {}) {
    const wallet = new InjectedWallet();
    const opened = await open({ tokens: tokensOf('A stream.') }, (page) => wallet.installIn(page), options);
    const { page } = opened;
    await page.getByTestId('account-toggle').click();
    const signIn = () => page.getByRole('button', { name: 'Sign in with MetaMask' }).click();
    const alert = (text: string) => page.getByRole('alert').getByText(text).waitFor();
    const address = () => page.getByTestId('address').textContent();
    return { ...opened, wallet, signIn, alert, address };
  }

  test('a wallet signs in, chats, makes a key that works in the openai client, revokes it, and signs out', async () => {
    const { page, url, wallet, signIn, address, complaints } = await openAccount({ auth: 'required' });
    await signIn();
    expect(await address()).toBe(wallet.account.account);
    await page.getByLabel('Name of a new key').fill('laptop');
    await page.getByRole('button', { name: 'Make a key' }).click();
    const apiKey = (await page.getByTestId('new-key').textContent()) ?? '';
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
    const answer = await client.chat.completions.create(chatBody());
    expect(answer.choices[0]?.message.content).toBe('A stream.');
    await page.getByRole('button', { name: 'Close' }).first().click();
    await page.getByTestId('composer').fill('What is a river?');
    await page.keyboard.press('Enter');
    await page.getByTestId('answer-text').getByText('A stream.').waitFor();
    expect(complaints).toEqual([]);
    await page.reload();
    await page.getByTestId('account-toggle').getByText('0x').click();
    await page.getByTestId('api-key').getByText('used').waitFor();
    await page.getByRole('button', { name: 'Revoke laptop' }).click();
    await page.getByTestId('api-key').waitFor({ state: 'detached' });
    await expect(client.chat.completions.create(chatBody())).rejects.toMatchObject({ status: 401 });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in with MetaMask' }).waitFor();
    expect((await page.context().cookies()).map(({ name }) => name)).toEqual([]);
  });

  test('a wallet that is locked, refuses or is on another chain is explained, and the next attempt works', async () => {
    const { page, wallet, signIn, alert, address } = await openAccount();
    const refuse = (refused: string, code: number) => {
      wallet.before = (method) => {
        if (method === refused) throw code;
      };
    };
    refuse('eth_requestAccounts', 4001);
    await signIn();
    await alert('You did not connect the wallet.');
    refuse('eth_requestAccounts', 4100);
    await signIn();
    await alert('The wallet is locked');
    refuse('eth_requestAccounts', -32_002);
    await signIn();
    await alert('open it, and answer there');
    refuse('personal_sign', 4001);
    await signIn();
    await alert('You did not sign');
    wallet.chainId = 137;
    refuse('wallet_switchEthereumChain', 4902);
    await signIn();
    await alert('does not know the chain');
    wallet.before = () => {};
    await signIn();
    expect(await address()).toBe(wallet.account.account);
    expect([wallet.chainId, wallet.methods.at(-2)]).toEqual([1, 'wallet_switchEthereumChain']);
    await wallet.switchAccount();
    await page.getByRole('button', { name: 'Sign in with MetaMask' }).waitFor();
    expect(await page.getByTestId('account-toggle').textContent()).toBe('Sign in');
  });

  test('a challenge that was signed too late, or sent twice, signs nobody in', async () => {
    const clock = new TestClock();
    const { page, wallet, signIn, alert, address } = await openAccount({ clock });
    wallet.before = (method) => {
      if (method === 'personal_sign') clock.ms += 6 * 60_000;
    };
    await signIn();
    await alert('is older than 5 minutes');
    wallet.before = () => {};
    const sent = page.waitForRequest('**/auth/siwe/verify');
    await signIn();
    const body = (await sent).postData();
    expect(await address()).toBe(wallet.account.account);
    const replayed = await page.evaluate(async (again) => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch('/auth/siwe/verify', { method: 'POST', headers, body: again })).status;
    }, body);
    expect(replayed).toBe(401);
  });
});
