import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { expect, onTestFinished, test } from 'vitest';
import { createGateway } from '../src/index.ts';
import { CHAT, chatBody, startGateway } from './harness.ts';
import { PEERS, ScriptedCoordinator } from './scripted-coordinator.ts';

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

const options = () => ({
  coordinator: new ScriptedCoordinator(),
  logger: silentLogger,
  version: '0',
  host: '127.0.0.1',
  port: 0,
});

test('a taken port is said in a sentence, and nothing stays open', async () => {
  const port = await takenPort();
  const gateway = createGateway({ ...options(), port, metrics: { host: '127.0.0.1', port: 0 } });
  await expect(gateway.start()).rejects.toMatchObject({
    code: 'ERR_GATEWAY_PORT_TAKEN',
    kind: 'caller',
    message: expect.stringContaining(`Port ${port} on 127.0.0.1 is taken`),
  });
  expect(gateway.metricsAddress()).toBeNull();
  const other = createGateway({ ...options(), metrics: { host: '127.0.0.1', port } });
  await expect(other.start()).rejects.toMatchObject({
    code: 'ERR_GATEWAY_PORT_TAKEN',
    message: expect.stringContaining('--metrics'),
  });
});

test('an address of another machine is said in a sentence', async () => {
  const gateway = createGateway({ ...options(), host: '192.0.2.1' });
  await expect(gateway.start()).rejects.toMatchObject({ code: 'ERR_GATEWAY_ADDRESS_UNUSABLE' });
});

test('localhost is the IPv4 loopback', async () => {
  const { url } = await startGateway({}, { host: 'localhost' });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${url.replace('127.0.0.1', 'localhost')}/healthz`)).status).toBe(200);
});

test('stop is idempotent, also before start', async () => {
  const never = createGateway(options());
  await never.stop();
  const { gateway, url } = await startGateway();
  await Promise.all([gateway.stop(), gateway.stop()]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

test('metrics have a listener of their own, and no peer in a label', async () => {
  const { gateway, url, post } = await startGateway({}, { metrics: { host: '127.0.0.1', port: 0 } });
  await (await post(CHAT, chatBody())).json();
  await (await post(CHAT, chatBody({ stream: true }))).text();
  await (await post(CHAT, chatBody({ model: 'none' }))).json();
  expect((await fetch(`${url}/metrics`)).status).toBe(404);
  const address = gateway.metricsAddress() ?? '';
  expect(new URL(address).port).not.toBe(new URL(url).port);
  const response = await fetch(address);
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const text = await response.text();
  expect(text).toContain('blyan_gateway_answers_total{route="chat.completions",outcome="stop"} 2');
  expect(text).toContain('blyan_gateway_tokens_total{kind="prompt"} 70');
  expect(text).toContain('blyan_gateway_tokens_total{kind="completion"} 62');
  expect(text).toContain('blyan_gateway_first_token_seconds_count{plan="pipeline"} 2');
  expect(text).toContain(
    'blyan_http_request_duration_seconds_count{route="/v1/chat/completions",method="POST",status="200"} 2',
  );
  expect(text).toContain('blyan_gateway_nodes 2');
  expect(text).toContain('blyan_gateway_check_ok{check="model"} 1');
  for (const peer of [...PEERS, 'golden']) expect(text).not.toContain(peer);
  expect((await fetch(new URL('/other', address))).status).toBe(404);
});

test('the page is served at its paths with its assets; without it they say how to build it', async () => {
  const webDir = mkdtempSync(join(tmpdir(), 'blyan-web-'));
  onTestFinished(() => rmSync(webDir, { recursive: true }));
  mkdirSync(join(webDir, 'assets'));
  writeFileSync(join(webDir, 'index.html'), '<!doctype html><title>Blyan</title>');
  writeFileSync(join(webDir, 'assets', 'index-abc123.js'), 'export {};');
  const { url } = await startGateway({}, { webDir });
  const page = await fetch(url);
  expect(await page.text()).toContain('<title>Blyan</title>');
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  for (const path of ['/network', '/nodes/12D3Koo', '/explorer', '/explorer/blocks/7', '/account?a=b']) {
    const same = await fetch(url + path);
    expect([await same.text(), same.headers.get('cache-control')]).toEqual([
      '<!doctype html><title>Blyan</title>',
      'no-cache',
    ]);
  }
  for (const path of ['/networks', '/nodes', '/nodes/a/b', '/explorer/other', '/account/', '/index'])
    expect(await (await fetch(url + path)).json()).toMatchObject({ error: { code: 'ERR_GATEWAY_ROUTE_UNKNOWN' } });
  const asset = await fetch(`${url}/assets/index-abc123.js`);
  expect(asset.headers.get('cache-control')).toContain('immutable');
  expect(asset.headers.get('content-type')).toContain('javascript');
  expect((await fetch(`${url}/assets/../../etc/passwd`)).status).toBe(404);
  expect((await fetch(`${url}/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd`)).status).toBe(404);
  const bare = await startGateway();
  for (const path of ['', '/network'])
    expect(await (await fetch(bare.url + path)).json()).toMatchObject({ error: { code: 'ERR_GATEWAY_PAGE_MISSING' } });
});
