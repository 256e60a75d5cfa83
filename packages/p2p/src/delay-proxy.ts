import { connect, createServer, type Server, type Socket } from 'node:net';
import { DelayLine } from './delay-line.ts';

export interface DelayProxyOptions {
  readonly targetHost: string;
  readonly targetPort: number;
  /** Added to every byte in each direction: half of the round trip to imitate. Milliseconds, fractions allowed. */
  readonly delayMs: number;
  readonly listenHost?: string;
}

/**
 * A TCP proxy that imitates a longer link: every byte arrives `delayMs` later, in order, each direction for itself.
 * Bandwidth is not limited, but what is under way is bounded, beyond which the sender is held back.
 */
export class DelayProxy {
  readonly #options: DelayProxyOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;

  constructor(options: DelayProxyOptions) {
    this.#options = options;
  }

  /** Accepts connections on a free port (or the given one) of 127.0.0.1 (or `listenHost`). */
  listen(port = 0): Promise<number> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (inbound) => this.#accept(inbound));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#options.listenHost ?? '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Cuts every connection and stops listening. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #accept(inbound: Socket): void {
    const { targetHost, targetPort, delayMs } = this.#options;
    const outbound = connect({ host: targetHost, port: targetPort, noDelay: true, allowHalfOpen: true });
    const lines = [new DelayLine(inbound, outbound, delayMs), new DelayLine(outbound, inbound, delayMs)];
    for (const socket of [inbound, outbound]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', (failed) => {
        this.#sockets.delete(socket);
        const other = socket === inbound ? outbound : inbound;
        if (failed || !socket.readableEnded) {
          // A reset is passed on as one, without waiting for what is still under way.
          for (const line of lines) line.stop();
          other.destroy();
        }
      });
    }
  }
}
