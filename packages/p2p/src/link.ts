import { connect, createServer, type Server, type Socket } from 'node:net';
import { type LinkClock, preciseClock } from './link-clock.ts';
import { changeConditions, type LinkConditions, PERFECT_LINK } from './link-conditions.ts';
import { type LineDeps, LinkLine } from './link-line.ts';

export interface LinkOptions {
  readonly targetHost: string;
  readonly targetPort: number;
  /** What differs from a link that adds nothing. */
  readonly conditions?: Partial<LinkConditions>;
  readonly listenHost?: string;
  /** Uniform in [0, 1), for jitter; a seeded one makes runs alike. */
  readonly random?: () => number;
  /** Who dials from this port of the other side; without it, everybody is nobody (null). */
  readonly dialerOf?: (remotePort: number) => string | null;
  readonly clock?: LinkClock;
}

/** What the link itself adds, beyond its conditions: how late pieces were handed over. Milliseconds. */
export interface LinkLateness {
  readonly pieces: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

interface Connection {
  readonly dialer: string | null;
  readonly inbound: Socket;
  /** Null while the link is stalled and nothing has got through yet. */
  outbound: Socket | null;
  lines: readonly LinkLine[];
}

/**
 * A TCP proxy that imitates a worse link than the one it runs on: delay, jitter, bandwidth, stalls, resets, changed at any
 * time. Bytes keep their order and none is lost; what is under way is bounded, beyond which the sender is held back. The
 * TCP handshake itself costs nothing.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #deps: LineDeps;
  readonly #connections = new Set<Connection>();
  #server: Server | null = null;
  #conditions: LinkConditions;
  #stalled: (dialer: string | null) => boolean = () => false;
  #pieces = 0;
  #lateSumMs = 0;
  #lateMaxMs = 0;

  /** @throws RangeError for conditions that cannot be */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.#conditions = changeConditions(PERFECT_LINK, options.conditions ?? {});
    this.#deps = {
      clock: options.clock ?? preciseClock,
      random: options.random ?? Math.random,
      conditions: () => this.#conditions,
      onRelease: (lateMs) => {
        this.#pieces++;
        this.#lateSumMs += lateMs;
        this.#lateMaxMs = Math.max(this.#lateMaxMs, lateMs);
      },
    };
  }

  get conditions(): LinkConditions {
    return this.#conditions;
  }

  /** Connections that are open or wait for a stall to end. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The port to dial; 0 while it does not listen. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Since the link was made; pieces that a stall or a slow reader held up count as late. */
  get lateness(): LinkLateness {
    const pieces = this.#pieces;
    return { pieces, meanMs: pieces === 0 ? 0 : this.#lateSumMs / pieces, maxMs: this.#lateMaxMs };
  }

  /** Accepts connections on a free port (or the given one) of 127.0.0.1 (or `listenHost`). */
  listen(port = 0): Promise<number> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (inbound) => this.#accept(inbound));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#options.listenHost ?? '127.0.0.1', () => resolve(this.port));
    });
  }

  /** For bytes sent from now on. @throws RangeError for conditions that cannot be */
  set(change: Partial<LinkConditions>): void {
    this.#conditions = changeConditions(this.#conditions, change);
  }

  /**
   * From now on nothing arrives, new connections included, and no end notices: a cable that was pulled, until `resume`.
   * @param dialers whose connections; without it, everybody's
   */
  stall(dialers?: readonly string[]): void {
    this.#stalled = (dialer) => dialers === undefined || (dialer !== null && dialers.includes(dialer));
    for (const { dialer, lines } of this.#connections) {
      for (const line of lines) {
        if (this.#stalled(dialer)) line.hold();
        else line.letGo();
      }
    }
    for (const waiting of this.#connections) if (!this.#stalled(waiting.dialer)) this.#connect(waiting);
  }

  /** Ends every stall: what was held arrives at once. */
  resume(): void {
    this.stall([]);
  }

  /** Breaks every connection for both ends (RST); new ones are welcome. */
  reset(): void {
    for (const { inbound, outbound, lines } of this.#connections) {
      for (const line of lines) line.stop();
      inbound.resetAndDestroy();
      outbound?.resetAndDestroy();
    }
  }

  /** Cuts every connection and stops listening. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const { inbound, outbound, lines } of this.#connections) {
      for (const line of lines) line.stop();
      inbound.destroy();
      outbound?.destroy();
    }
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #accept(inbound: Socket): void {
    const dialer = this.#options.dialerOf?.(inbound.remotePort ?? 0) ?? null;
    const connection: Connection = { dialer, inbound, outbound: null, lines: [] };
    this.#connections.add(connection);
    inbound.on('error', () => {});
    inbound.once('close', () => {
      if (connection.outbound === null) this.#connections.delete(connection);
    });
    if (!this.#stalled(dialer)) this.#connect(connection);
  }

  /** Dials the target, once, and joins the two halves. */
  #connect(connection: Connection): void {
    const { inbound } = connection;
    if (connection.outbound !== null || inbound.destroyed) return;
    const { targetHost, targetPort } = this.#options;
    const outbound = connect({ host: targetHost, port: targetPort, noDelay: true, allowHalfOpen: true });
    const there = new LinkLine(inbound, outbound, this.#deps);
    const back = new LinkLine(outbound, inbound, this.#deps);
    connection.outbound = outbound;
    connection.lines = [there, back];
    outbound.on('error', () => {});
    this.#watch(inbound, there, back);
    this.#watch(outbound, back, there);
    const gone = () => {
      if (inbound.destroyed && outbound.destroyed) this.#connections.delete(connection);
    };
    inbound.once('close', gone);
    outbound.once('close', gone);
  }

  #watch(socket: Socket, sending: LinkLine, receiving: LinkLine): void {
    socket.once('close', (failed: boolean) => {
      receiving.stop();
      // Whoever ended in order has said so already.
      if (failed || !socket.readableEnded) sending.break();
    });
  }
}
