import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { apiErrorBody } from '@blyan/api';
import { expect, onTestFinished, test } from 'vitest';
import { CHAT, chatBody, startGateway } from '../harness.ts';

/** A connection whose client writes bytes, not requests. */
async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** What comes until the gateway closes. */
async function answerOf(socket: Socket): Promise<{ status: string; body: unknown }> {
  let text = '';
  for await (const part of socket) text += part;
  return { status: text.split(' ', 2)[1] ?? '', body: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) };
}

const head = (...lines: string[]) => [`POST ${CHAT} HTTP/1.1`, 'host: localhost', ...lines].join('\r\n');

test.each([
  ['says nothing', ''],
  ['never ends its headers', head('x-a: b')],
  ['begins a header anew for ever', head(''), 'x-a: b\r\n'],
  ['sends half a body', `${head('content-type: application/json', 'content-length: 1000')}\r\n\r\n{"model":`],
  ['sends its body bit by bit', `${head('content-type: application/json', 'content-length: 100000')}\r\n\r\n"`, 'x'],
  ['sends half a chunk', `${head('content-type: application/json', 'transfer-encoding: chunked')}\r\n\r\nff\r\n{`],
])('a client that %s is cut off with 408 while others are served (slow loris)', async (_name, bytes, again?: string) => {
  const { url, post } = await startGateway({}, { requestTimeoutMs: 300 });
  const socket = await open(url);
  socket.write(bytes);
  const drip = again === undefined ? undefined : setInterval(() => socket.write(again), 10);
  onTestFinished(() => clearInterval(drip));
  socket.on('error', () => {});
  const answer = answerOf(socket);
  expect((await post(CHAT, chatBody())).status).toBe(200);
  expect((await answer).status).toBe('408');
  expect(apiErrorBody.parse((await answer).body).error.code).toBe('ERR_GATEWAY_REQUEST_INVALID');
});

test('ten thousand headers are refused with 431, in few bytes each or in many', async () => {
  const { url } = await startGateway();
  for (const name of ['a', 'x-a-much-longer-name-of-a-header']) {
    const socket = await open(url);
    socket.on('error', () => {});
    socket.write(`${head(...Array.from({ length: 10_000 }, (_, i) => `${name}${i}: b`))}\r\n\r\n`);
    const { status, body } = await answerOf(socket);
    expect(status).toBe('431');
    apiErrorBody.parse(body);
  }
});

test.each([
  ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked'], '0\r\n\r\n'],
  ['two lengths', ['content-length: 5', 'content-length: 6'], 'hello!'],
  ['a length that is none', ['content-length: +5'], 'hello'],
  ['a chunk size that is none', ['transfer-encoding: chunked'], 'zz\r\nhello\r\n0\r\n\r\n'],
  ['an encoding behind chunks', ['transfer-encoding: chunked, identity'], '0\r\n\r\n'],
  ['a space before the colon', ['content-length : 5'], 'hello'],
  ['a folded header', ['x: a', ' b', 'content-length: 0'], ''],
])('a request with %s is 400: two servers could read it in two ways (smuggling)', async (_name, lines, body) => {
  const { url, coordinator } = await startGateway();
  const socket = await open(url);
  socket.on('error', () => {});
  const second = `GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
  socket.write(`${head('content-type: application/json', ...lines)}\r\n\r\n${body}${second}`);
  const { status, body: told } = await answerOf(socket);
  expect(status).toBe('400');
  // Of the parser: no route has seen it.
  expect(apiErrorBody.parse(told).error.message).toBe('This is not a complete HTTP request.');
  expect(coordinator.requests).toEqual([]);
});

test('connections are bounded; whoever comes when one is free again is served', async () => {
  const { url } = await startGateway({}, { maxConnections: 3 });
  const sockets = [await open(url), await open(url), await open(url)];
  const refused = await open(url);
  await once(refused.resume(), 'close');
  const [first] = sockets as [Socket];
  first.end('GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  await once(first.resume(), 'close');
  const served = await open(url);
  served.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  expect((await answerOf(served)).status).toBe('200');
});
