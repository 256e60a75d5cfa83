import type { Wallet } from './wallet.ts';

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any body
  readonly body: any;
  readonly headers: Headers;
}

/** What a browser does with cookies, for one gateway: keeps them, sends them back, and names its page's origin. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #url: string;
  readonly #origin: string | null;

  constructor(url: string, origin: string | null = url) {
    this.#url = url;
    this.#origin = origin;
  }

  async fetch(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(cookie === '' ? {} : { cookie }),
        ...(this.#origin === null ? {} : { origin: this.#origin }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (/max-age=0(;|$)/i.test(line)) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text), headers: response.headers };
  }

  async challenge(wallet: Wallet, chainId = 1): Promise<{ message: string; nonce: string; expiresAt: string }> {
    return (await this.fetch('POST', '/auth/siwe/challenge', { address: wallet.address, chainId })).body;
  }

  verify(message: string, signature: string): Promise<Answer> {
    return this.fetch('POST', '/auth/siwe/verify', { message, signature });
  }

  async signIn(wallet: Wallet): Promise<Answer> {
    const { message } = await this.challenge(wallet);
    return this.verify(message, wallet.sign(message));
  }
}

/** Time that goes on when it is told to. */
export class TestClock {
  ms = Date.parse('2026-11-27T12:00:00Z');

  nowMs(): number {
    return this.ms;
  }
}
