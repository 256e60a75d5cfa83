import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { Wallet } from './wallet.ts';

export interface InjectedWalletOptions {
  readonly name?: string;
  readonly rdns?: string;
  /** Announces itself as EIP-6963 says, or only overwrites `window.ethereum` as wallets did before. */
  readonly isLegacy?: boolean;
}

/** A wallet in the page, as an extension injects one: its keys are here, and what it does is set by the test. */
export class InjectedWallet {
  account = new Wallet();
  /** Whether it lets the page see its account: it does once it was asked, until it is locked. */
  isConnected = false;
  isLocked = false;
  chainId = 1;
  /** Called before a method is answered; throws the code with which the wallet refuses, or takes its time. */
  before: (method: string) => void | Promise<void> = () => {};
  readonly methods: string[] = [];
  readonly #id = randomUUID();
  readonly #options: InjectedWalletOptions;
  #page: Page | null = null;

  constructor(options: InjectedWalletOptions = {}) {
    this.#options = options;
  }

  /** Before the page is opened. */
  async installIn(page: Page): Promise<void> {
    this.#page = page;
    const name = `wallet_${this.#id}`;
    await page.exposeFunction(name, async (method: string, params: readonly unknown[]) => {
      this.methods.push(method);
      try {
        await this.before(method);
        return { result: this.#answer(method, params) };
      } catch (code) {
        if (typeof code !== 'number') throw code;
        return { code };
      }
    });
    const { name: title = 'MetaMask', rdns = 'io.metamask', isLegacy = false } = this.#options;
    await page.addInitScript(inject, { name, isLegacy, info: { uuid: this.#id, name: title, rdns, icon: '' } });
  }

  /** The person chooses another account in the wallet. */
  async switchAccount(): Promise<void> {
    this.account = new Wallet();
    await this.emit('accountsChanged', [this.account.address]);
  }

  /** The person locks the wallet, or disconnects it from the page. */
  async lock(): Promise<void> {
    this.isLocked = true;
    await this.emit('accountsChanged', []);
  }

  async emit(event: string, news: unknown): Promise<void> {
    const detail = { event, news };
    await this.#page?.evaluate(
      ([id, inner]) => window.dispatchEvent(new CustomEvent(`wallet_${id}`, { detail: inner })),
      [this.#id, detail] as const,
    );
  }

  #answer(method: string, params: readonly unknown[]): unknown {
    if (method === 'eth_requestAccounts') this.isConnected = true;
    if (method === 'eth_requestAccounts' || method === 'eth_accounts')
      return this.isConnected && !this.isLocked ? [this.account.address] : [];
    if (method === 'eth_chainId') return `0x${this.chainId.toString(16)}`;
    if (method === 'wallet_switchEthereumChain') {
      this.chainId = Number((params[0] as { readonly chainId: string }).chainId);
      return null;
    }
    if (method === 'personal_sign') return this.account.sign(Buffer.from(String(params[0]).slice(2), 'hex').toString());
    throw 4200;
  }
}

interface Injected {
  readonly name: string;
  readonly isLegacy: boolean;
  readonly info: object;
}

/** Runs in the page. */
function inject({ name, isLegacy, info }: Injected): void {
  const scope = window as unknown as Record<string, unknown>;
  const answers = scope[name] as (
    method: string,
    params: unknown,
  ) => Promise<{ readonly result?: unknown; readonly code?: number }>;
  const listeners = new Map<string, Set<(news: unknown) => void>>();
  const of = (event: string) => {
    const known = listeners.get(event) ?? new Set();
    listeners.set(event, known);
    return known;
  };
  window.addEventListener(name, (event) => {
    const { event: which, news } = (event as CustomEvent).detail;
    for (const listener of of(which)) listener(news);
  });
  const provider = {
    async request({ method, params }: { readonly method: string; readonly params?: unknown }) {
      const { result, code } = await answers(method, params ?? []);
      if (code !== undefined) throw Object.assign(new Error('The wallet refuses'), { code });
      return result;
    },
    on: (event: string, listener: (news: unknown) => void) => of(event).add(listener),
    removeListener: (event: string, listener: (news: unknown) => void) => of(event).delete(listener),
  };
  if (isLegacy) {
    scope.ethereum = provider;
    return;
  }
  const tell = () =>
    window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }));
  window.addEventListener('eip6963:requestProvider', tell);
  tell();
}
