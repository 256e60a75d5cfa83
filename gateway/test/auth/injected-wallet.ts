import type { Page } from 'playwright-core';
import { Wallet } from './wallet.ts';

/** A wallet in the page, as an extension injects one: its keys are here, and what it does is set by the test. */
export class InjectedWallet {
  account = new Wallet();
  chainId = 1;
  /** Called before a method is answered; throws the code with which the wallet refuses. */
  before: (method: string) => void = () => {};
  readonly methods: string[] = [];
  #page: Page | null = null;

  /** Before the page is opened. */
  async installIn(page: Page): Promise<void> {
    this.#page = page;
    await page.exposeFunction('walletAnswers', (method: string, params: readonly unknown[]) => {
      this.methods.push(method);
      try {
        this.before(method);
        return { result: this.#answer(method, params) };
      } catch (code) {
        if (typeof code !== 'number') throw code;
        return { code };
      }
    });
    await page.addInitScript(announce);
  }

  /** The person chooses another account in the wallet. */
  async switchAccount(): Promise<void> {
    this.account = new Wallet();
    await this.#page?.evaluate(
      (address) => window.dispatchEvent(new CustomEvent('wallet-accounts', { detail: [address] })),
      this.account.address,
    );
  }

  #answer(method: string, params: readonly unknown[]): unknown {
    if (method === 'eth_requestAccounts') return [this.account.address];
    if (method === 'eth_chainId') return `0x${this.chainId.toString(16)}`;
    if (method === 'wallet_switchEthereumChain') {
      this.chainId = Number((params[0] as { readonly chainId: string }).chainId);
      return null;
    }
    if (method === 'personal_sign') return this.account.sign(Buffer.from(String(params[0]).slice(2), 'hex').toString());
    throw 4200;
  }
}

/** Runs in the page. */
function announce(): void {
  const scope = window as unknown as {
    walletAnswers(method: string, params: unknown): Promise<{ readonly result?: unknown; readonly code?: number }>;
  };
  const provider = {
    async request({ method, params }: { readonly method: string; readonly params?: unknown }) {
      const { result, code } = await scope.walletAnswers(method, params ?? []);
      if (code !== undefined) throw Object.assign(new Error('The wallet refuses'), { code });
      return result;
    },
    on: (_event: string, listener: (accounts: unknown) => void) =>
      window.addEventListener('wallet-accounts', (event) => listener((event as CustomEvent).detail)),
  };
  const info = { uuid: '350670db-19fa-4704-a166-e52e178b59d2', name: 'MetaMask', rdns: 'io.metamask', icon: '' };
  const tell = () =>
    window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }));
  window.addEventListener('eip6963:requestProvider', tell);
  tell();
}
