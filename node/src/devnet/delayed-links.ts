import { DelayProxy } from '@blyan/p2p';
import { findFreePort } from '../data-dir/ports.ts';

export interface DelayedLink {
  /** Where the daemon is to listen. */
  readonly listenPort: number;
  /** Where others reach it, with the delay. */
  readonly announcePort: number;
}

/** One delaying proxy in front of each daemon: whoever dials it, whichever way the bytes go, the round trip grows by the delay. */
export class DelayedLinks implements AsyncDisposable {
  readonly #proxies: DelayProxy[] = [];
  readonly #roundTripMs: number;

  constructor(roundTripMs: number) {
    this.#roundTripMs = roundTripMs;
  }

  async add(): Promise<DelayedLink> {
    const listenPort = await findFreePort('127.0.0.1');
    const proxy = new DelayProxy({ targetHost: '127.0.0.1', targetPort: listenPort, delayMs: this.#roundTripMs / 2 });
    const announcePort = await proxy.listen();
    this.#proxies.push(proxy);
    return { listenPort, announcePort };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}
