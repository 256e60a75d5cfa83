import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { TestClock } from '../auth/browser.ts';
import { InjectedWallet } from '../auth/injected-wallet.ts';
import { chatBody } from '../harness.ts';
import { tokensOf } from '../scripted-coordinator.ts';
import { executablePath, type OpenOptions, pageBrowser } from './page-browser.ts';

describe.skipIf(executablePath === undefined)('the account in Chromium', () => {
  const open = pageBrowser();

  /** The page with a wallet, its account dialog open. */
  async function openAccount(options: OpenOptions = {}) {
    const wallet = new InjectedWallet();
    const opened = await open(
      { tokens: tokensOf('A stream.') },
      { setUp: (page) => wallet.installIn(page), ...options },
    );
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
