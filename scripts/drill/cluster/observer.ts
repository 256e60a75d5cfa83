import { silentLogger, systemClock } from '@blyan/interface';
import { decodeInvite, generateIdentity, NodeRecords, P2pHost } from '@blyan/p2p';
import type { NodeView } from '@blyan/routing';

/** A member that hosts nothing and announces nothing: it hears what the nodes say of themselves. */
export class Observer implements AsyncDisposable {
  readonly #host: P2pHost;
  readonly #records: NodeRecords;

  /** Settles when it is connected. */
  static async join(invite: string, addresses: readonly string[]): Promise<Observer> {
    const { privateKey } = await generateIdentity();
    const { networkId } = decodeInvite(invite);
    const options = { privateKey, networkId, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: addresses, mdns: false };
    const host = new P2pHost(options, { logger: silentLogger, clock: systemClock });
    const records = new NodeRecords({ host, privateKey, logger: silentLogger, clock: systemClock });
    const connected = new Promise<void>((resolve) => host.on('peer:connect', () => resolve()));
    await host.start();
    await records.start();
    if (host.peers().length === 0) await connected;
    return new Observer(host, records);
  }

  private constructor(host: P2pHost, records: NodeRecords) {
    this.#host = host;
    this.#records = records;
  }

  views(): NodeView[] {
    return this.#records.records();
  }

  /**
   * Settles when the records are as wanted; looks whenever one changes.
   * @param wanted null when they are, otherwise what is not yet as it should be
   * @throws Error with the last complaint, after the time
   */
  async until(
    wanted: (views: readonly NodeView[]) => string | null,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const done = Promise.withResolvers<void>();
    let complaint: string | null = null;
    const look = () => {
      complaint = wanted(this.views());
      if (complaint === null) done.resolve();
    };
    const abort = () => done.reject(signal.reason);
    const timer = setTimeout(
      () => done.reject(new Error(`Waited ${timeoutMs / 1000} s in vain: ${complaint}.`)),
      timeoutMs,
    );
    this.#records.on('change', look);
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (signal.aborted) abort();
      look();
      await done.promise;
    } finally {
      clearTimeout(timer);
      this.#records.off('change', look);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Settles at the next change, or after the time. */
  async nextChange(timeoutMs: number): Promise<void> {
    const changed = Promise.withResolvers<void>();
    const timer = setTimeout(changed.resolve, timeoutMs);
    this.#records.on('change', changed.resolve);
    await changed.promise;
    clearTimeout(timer);
    this.#records.off('change', changed.resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#records.stop();
    await this.#host.stop();
  }
}
