import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { noticeText } from '../../web/src/account/notice-text.ts';
import { problemText } from '../../web/src/account/text.ts';
import { accountText } from '../../web/src/pages/account/text.ts';
import { TestClock } from '../auth/browser.ts';
import { InjectedWallet } from '../auth/injected-wallet.ts';
import { Wallet } from '../auth/wallet.ts';
import { MemoryLedger } from '../metering/ledger-fixture.ts';
import { executablePath, type OpenOptions, pageBrowser } from './page-browser.ts';

type ProblemCode = keyof (typeof problemText)['en'];
type NoticeCode = keyof (typeof noticeText)['en'];

describe.skipIf(executablePath === undefined)('signing in with a wallet, in Chromium', () => {
  const open = pageBrowser();

  async function openAccount(wallets: readonly InjectedWallet[], options: OpenOptions = {}) {
    const setUp = async (page: Page) => {
      for (const wallet of wallets) await wallet.installIn(page);
    };
    const ledger = await new MemoryLedger().open();
    const opened = await open({}, { path: '/account', setUp, ledger, ...options });
    const { page } = opened;
    const language = (which: 'en' | 'ko') => page.getByTestId('language').selectOption(which);
    const signIn = (name = 'MetaMask') => page.getByRole('button', { name: accountText.en.signInWith(name) }).click();
    const whoAmI = async () => (await page.evaluate(async () => (await fetch('/auth/session')).json())).address;

    /** A sentence is on the page in English, and in Korean as soon as that is chosen. */
    const inBoth = async (
      role: 'alert' | 'status' | 'paragraph',
      texts: { readonly en: string; readonly ko: string },
    ) => {
      await page.getByRole(role).filter({ hasText: texts.en }).waitFor();
      await language('ko');
      await page.getByRole(role).filter({ hasText: texts.ko }).waitFor();
      await language('en');
    };
    const problem = (code: ProblemCode) => inBoth('alert', { en: problemText.en[code], ko: problemText.ko[code] });
    const notice = (code: NoticeCode) => inBoth('status', { en: noticeText.en[code], ko: noticeText.ko[code] });
    const signedIn = async ({ account }: InjectedWallet) => {
      await page.getByTestId('address').getByText(account.account).waitFor();
      expect(await whoAmI()).toBe(account.account);
    };
    return { ...opened, signIn, signedIn, inBoth, problem, notice, whoAmI };
  }

  const CONNECT = 'eth_requestAccounts';
  const SIGN = 'personal_sign';
  const SWITCH = 'wallet_switchEthereumChain';

  test('what a wallet refuses is explained, signs nobody in, and the next attempt works', async () => {
    const wallet = new InjectedWallet();
    const { page, signIn, problem, signedIn, whoAmI, complaints } = await openAccount([wallet]);
    const refusals: readonly (readonly [string, number, ProblemCode])[] = [
      [CONNECT, 4001, 'connect_rejected'],
      [CONNECT, -32_002, 'pending'],
      [CONNECT, 4100, 'locked'],
      [CONNECT, 4900, 'disconnected'],
      [CONNECT, -32_603, 'wallet_failed'],
      [SIGN, 4001, 'sign_rejected'],
      [SIGN, -32_002, 'pending'],
      [SIGN, 4200, 'cannot_sign'],
      [SIGN, -32_601, 'cannot_sign'],
      [SIGN, 4900, 'disconnected'],
    ];
    for (const [method, code, told] of refusals) {
      wallet.before = (asked) => {
        if (asked === method) throw code;
      };
      await signIn();
      await problem(told);
    }
    wallet.before = () => {};
    wallet.isLocked = true;
    await signIn();
    await problem('locked');
    wallet.isLocked = false;
    expect(await whoAmI()).toBeNull();
    await signIn();
    await signedIn(wallet);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain(noticeText.en.signed_in);
    expect(complaints).toEqual([]);
  });

  test('a wallet on a chain that is not taken is offered to switch, and what hinders that is explained', async () => {
    const wallet = new InjectedWallet();
    const { page, signIn, inBoth, problem, signedIn } = await openAccount([wallet]);
    wallet.chainId = 137;
    await signIn();
    await problem('wrong_chain');
    expect(wallet.methods).not.toContain(SWITCH);
    const offer = page.getByRole('button', { name: accountText.en.switchAndSignIn('MetaMask', 'Ethereum') });
    const refusals: readonly (readonly [number, ProblemCode])[] = [
      [4001, 'switch_rejected'],
      [4902, 'chain_unknown'],
      [4200, 'cannot_switch'],
    ];
    for (const [code, told] of refusals) {
      wallet.before = (asked) => {
        if (asked === SWITCH) throw code;
      };
      await offer.click();
      await problem(told);
      wallet.before = () => {};
      await signIn();
      await problem('wrong_chain');
    }
    let go = () => {};
    wallet.before = (asked) => (asked === SWITCH ? new Promise<void>((resolve) => (go = resolve)) : undefined);
    await offer.click();
    await inBoth('status', { en: accountText.en.switch('MetaMask'), ko: accountText.ko.switch('MetaMask') });
    go();
    await signedIn(wallet);
    expect(wallet.chainId).toBe(1);
  });

  test('waiting for a wallet can be cancelled; what it signs afterwards signs nobody in', async () => {
    const wallet = new InjectedWallet();
    const { page, signIn, inBoth, notice, whoAmI, signedIn } = await openAccount([wallet]);
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    wallet.before = async (method) => {
      if (method !== SIGN) return;
      asked.resolve();
      await answer.promise;
    };
    await signIn();
    await asked.promise;
    await inBoth('status', { en: accountText.en.sign('MetaMask'), ko: accountText.ko.sign('MetaMask') });
    await page.getByRole('button', { name: accountText.en.cancel }).click();
    await notice('cancelled');
    answer.resolve();
    expect(await whoAmI()).toBeNull();
    wallet.before = () => {};
    await signIn();
    await signedIn(wallet);
  });

  test('another account in the wallet, a locked wallet: signed out here, after a reload too; offline is only told', async () => {
    const wallet = new InjectedWallet();
    const { page, signIn, signedIn, notice, whoAmI } = await openAccount([wallet]);
    await signIn();
    await signedIn(wallet);
    await wallet.emit('disconnect', { code: 4900 });
    await notice('wallet_offline');
    await wallet.emit('accountsChanged', [wallet.account.address.toLowerCase()]);
    expect(await whoAmI()).toBe(wallet.account.account);
    await wallet.switchAccount();
    await notice('account_switched');
    expect(await whoAmI()).toBeNull();
    await signIn();
    await signedIn(wallet);
    await page.reload();
    await signedIn(wallet);
    // The page asks the wallet, without bothering the person, before it can notice anything.
    await expect.poll(() => wallet.methods.slice(-1)).toEqual(['eth_accounts']);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await wallet.lock();
    await notice('wallet_closed');
    expect(await whoAmI()).toBeNull();
    expect(await page.getByTestId('account-link').textContent()).toBe('Sign in');
  });

  test('a challenge that was signed too late, or sent twice, signs nobody in', async () => {
    const clock = new TestClock();
    const wallet = new InjectedWallet();
    const { page, signIn, problem, signedIn, whoAmI } = await openAccount([wallet], { clock });
    wallet.before = (method) => {
      if (method === SIGN) clock.ms += 6 * 60_000;
    };
    await signIn();
    await problem('nonce');
    wallet.before = () => {};
    // Somebody who sees what the page sends is faster: the challenge is spent when the page's own request comes.
    const statuses: number[] = [];
    await page.route('**/auth/siwe/verify', async (route) => {
      const { cookie = '', origin = '', 'content-type': type = '' } = await route.request().allHeaders();
      const headers = { cookie, origin, 'content-type': type };
      const spent = await fetch(route.request().url(), { method: 'POST', headers, body: route.request().postData() });
      statuses.push(spent.status);
      await route.continue();
    });
    await signIn();
    await problem('nonce');
    expect(statuses).toEqual([200]);
    expect(await whoAmI()).toBeNull();
    await page.unroute('**/auth/siwe/verify');
    await signIn();
    await signedIn(wallet);
  });

  test('a wallet that is a contract is told that this gateway cannot check it', async () => {
    const wallet = new InjectedWallet();
    const { signIn, problem, whoAmI } = await openAccount([wallet]);
    const contract = wallet.account;
    const owner = new Wallet();
    contract.sign = (message) => owner.sign(message);
    await signIn();
    await problem('signature_or_contract');
    expect(await whoAmI()).toBeNull();
  });

  test('of two wallets of one name the chosen one signs; one that announces nothing counts when no other does', async () => {
    const first = new InjectedWallet();
    const second = new InjectedWallet({ rdns: 'org.example.fork' });
    const legacy = new InjectedWallet({ isLegacy: true });
    const { page, signedIn, inBoth } = await openAccount([legacy, first, second]);
    await inBoth('paragraph', { en: accountText.en.severalWallets, ko: accountText.ko.severalWallets });
    const choice = page.getByRole('listitem').filter({ hasText: 'org.example.fork' });
    expect(
      await page
        .getByRole('listitem')
        .filter({ hasText: accountText.en.signInWith('') })
        .count(),
    ).toBe(2);
    await choice.getByRole('button').click();
    await signedIn(second);
    expect([first.methods, legacy.methods]).toEqual([[], []]);

    const alone = new InjectedWallet({ isLegacy: true });
    const other = await openAccount([alone]);
    await other.signIn(accountText.en.wallet);
    await other.signedIn(alone);
  });

  test.each([
    [{ origin: 'http://chat.example.org' }, 'plain_http'],
    [{ origin: 'https://chat.example.org' }, 'elsewhere'],
    [{ auth: 'off' }, 'auth_off'],
    [{}, 'noWallet'],
  ] as const)('with %j nobody can sign in, and the page says why', async (options, reason) => {
    const { page, inBoth } = await openAccount([], options);
    await inBoth('paragraph', { en: accountText.en[reason], ko: accountText.ko[reason] });
    expect(await page.getByRole('button', { name: 'Sign in' }).count()).toBe(0);
    if (reason === 'elsewhere') await page.locator('a[href="https://chat.example.org/account"]').waitFor();
  });
});
