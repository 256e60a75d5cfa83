import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../harness.ts';

/** A page folder with a file beside it that nobody may see. */
function pageFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'blyan-paths-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'secret'), 'the secret');
  mkdirSync(join(dir, 'web', 'assets'), { recursive: true });
  writeFileSync(join(dir, 'web', 'index.html'), '<!doctype html><title>Blyan</title>');
  writeFileSync(join(dir, 'web', 'assets', '.hidden'), 'the secret');
  return join(dir, 'web');
}

/** What a request answers whose target goes out byte for byte, which no URL library lets through. */
async function raw(url: string, target: string, ...headers: string[]): Promise<{ status: number; text: string }> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const lines = headers.length === 0 ? [`host: ${host}`] : headers;
  socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const part of socket) text += part;
  return { status: Number(text.split(' ', 2)[1]), text };
}

test.each([
  ...[
    '/assets/../../secret',
    '/assets/..%2f..%2fsecret',
    '/assets/%2e%2e/%2e%2e/secret',
    '/assets/%252e%252e%252fsecret',
  ],
  ...['/assets/..\\..\\secret', '/assets/..%5c..%5csecret', '/assets/....//....//secret', '/assets/..;/..;/secret'],
  ...['/assets/%c0%ae%c0%ae/secret', '/assets/%00', '/assets/..%00/secret', '/assets//etc/passwd', '/assets/.hidden'],
  ...['//etc/passwd', '/%2fetc%2fpasswd', 'file:///etc/passwd', '/../secret', '/./../secret', '/assets/%', '/%ff'],
  ...[`/assets/${'../'.repeat(2_000)}secret`, `/${'a/'.repeat(5_000)}`, '/assets/*', '/assets/?/../../secret'],
])('the path %s leads to no file outside of the page', async (path) => {
  const { url } = await startGateway({}, { webDir: pageFolder() });
  const { status, text } = await raw(url, path);
  expect([400, 403, 404]).toContain(status);
  expect(text).not.toContain('the secret');
  expect(text).not.toContain('root:');
});

test.each([
  ['/AUTH/session', 404],
  ['/auth//session', 404],
  ['/auth/./session', 404],
  ['/v1/../auth/session', 404],
  ['/auth/session/', 404],
  ['/auth/session%2f', 404],
  ['/auth/session;x=1', 404],
  ['/%61uth/session', 200],
])('of a path there is one spelling, apart from what is percent-encoded: %s is %i', async (path, status) => {
  const { url } = await startGateway();
  expect((await raw(url, path)).status).toBe(status);
});

test('names of members of every object are not routes, models or requests', async () => {
  const { url } = await startGateway();
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    for (const path of [`/${name}`, `/v1/models/${name}`, `/api/v1/chain/accounts/${name}`, `/auth/keys/${name}`]) {
      expect([path, (await raw(url, path)).status]).toEqual([path, expect.toBeOneOf([400, 404, 405, 503])]);
    }
  }
});

test('the Host header is one, and decides, whatever the request line or a proxy says (DNS rebinding)', async () => {
  const { url } = await startGateway();
  expect((await raw(url, '/healthz', 'host: evil.example', 'host: localhost')).status).toBe(400);
  expect((await raw(url, '/healthz', 'host: localhost', 'host: evil.example')).status).toBe(400);
  expect((await raw(url, '/healthz', 'host: evil.example', 'x-forwarded-host: localhost')).status).toBe(403);
  expect((await raw(url, '/healthz', 'host: evil.example', 'forwarded: host=localhost')).status).toBe(403);
  expect((await raw(url, '/healthz', 'host: evil.example#@localhost')).status).toBe(403);
  expect((await raw(url, '/healthz', 'host: localhost@evil.example')).status).toBe(403);
  expect((await raw(url, '/healthz', 'host: localhost, evil.example')).status).toBe(403);
  expect((await raw(url, '/healthz', 'host:')).status).toBe(403);
  expect((await raw(url, '/healthz', 'x: y')).status).toBe(400);
  expect((await raw(url, 'http://localhost/healthz', 'host: evil.example')).status).toBe(403);
});
