import { Link } from '@blyan/p2p';
import { findFreePort } from '../data-dir/ports.ts';

export interface DelayedLink {
  /** Where the daemon is to listen. */
  readonly listenPort: number;
  /** Where others reach it, with the delay. */
  readonly announcePort: number;
}

/** One slow link in front of each daemon: whoever dials it, whichever way the bytes go, the round trip grows by the delay. */
export class DelayedLinks implements AsyncDisposable {
  readonly #links: Link[] = [];
  readonly #roundTripMs: number;

  constructor(roundTripMs: number) {
    this.#roundTripMs = roundTripMs;
  }

  async add(): Promise<DelayedLink> {
    const listenPort = await findFreePort('127.0.0.1');
    const link = new Link({
      targetHost: '127.0.0.1',
      targetPort: listenPort,
      conditions: { delayMs: this.#roundTripMs / 2 },
    });
    const announcePort = await link.listen();
    this.#links.push(link);
    return { listenPort, announcePort };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }
}
