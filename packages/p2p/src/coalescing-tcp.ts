import type { Socket } from 'node:net';
import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';

type TcpFactory = ReturnType<typeof tcp>;

/**
 * libp2p's TCP transport (TCP_NODELAY is on in it) with the writes of one turn of the event loop joined into one.
 * Noise hands every message over as a length, the ciphertext and a tag, Yamux adds a window update per received frame: without this
 * each is a system call and a TCP segment of its own. Measured on loopback, 8 KiB there and back: see `bench/call.ts`.
 */
export function coalescingTcp(init: Parameters<typeof tcp>[0] = {}): TcpFactory {
  const make = tcp(init);
  return (components) => {
    const transport = make(components);
    const dial: Transport['dial'] = transport.dial.bind(transport);
    const createListener: Transport['createListener'] = transport.createListener.bind(transport);
    transport.dial = (address, options) =>
      dial(address, { ...options, upgrader: coalescing(options.upgrader) } as never);
    transport.createListener = (options) => createListener({ ...options, upgrader: coalescing(options.upgrader) });
    return transport;
  };
}

function coalescing(upgrader: Upgrader): Upgrader {
  const wrapped: Upgrader = Object.create(upgrader);
  wrapped.upgradeInbound = (connection, options) => upgrader.upgradeInbound(corked(connection), options);
  wrapped.upgradeOutbound = ((connection: MultiaddrConnection, options: never) =>
    upgrader.upgradeOutbound(corked(connection), options)) as Upgrader['upgradeOutbound'];
  return wrapped;
}

function corked(connection: MultiaddrConnection): MultiaddrConnection {
  const { socket } = connection as { socket?: Socket };
  if (socket === undefined) return connection;
  const write = socket.write;
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    socket.uncork();
  };
  socket.write = function (this: Socket, ...args: unknown[]): boolean {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    return (write as (...args: unknown[]) => boolean).apply(this, args);
  } as Socket['write'];
  return connection;
}
