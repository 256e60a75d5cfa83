import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Exchange {
  readonly response: IncomingMessage;
  /** Cuts the connection. */
  readonly cut: () => void;
}

export interface RequestOptions {
  readonly from: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly agent?: Agent;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 120_000;

/** One connection that is kept between requests. */
export function keptConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** The response's headers. @throws what the socket throws; a stale kept connection is not tried again here */
export async function exchange(url: string, options: RequestOptions): Promise<Exchange> {
  const { from, method = 'POST', headers = {}, body, agent = false, timeoutMs = TIMEOUT_MS } = options;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const sent = request(url, {
    method,
    localAddress: from,
    agent,
    headers: {
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...headers,
    },
    timeout: timeoutMs,
  });
  sent.on('timeout', () => sent.destroy(new Error('nothing came for too long')));
  sent.end(text);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { response, cut: () => sent.destroy() };
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** A connection for bytes that are no request. Errors of it are its end. */
export async function rawConnection(url: string, from: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: from });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** What came until the gateway closed or the time was over; the status of it, or `closed` without one. */
export async function statusOf(socket: Socket, timeoutMs: number): Promise<string> {
  let head = '';
  socket.on('data', (part) => {
    if (head.length < 64) head += part.toString('latin1');
  });
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  if (!socket.destroyed) await once(socket, 'close').catch(() => {});
  clearTimeout(timer);
  return /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 'closed';
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
}
