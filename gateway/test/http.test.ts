import { request } from 'node:http';
import { networkState } from '@blyan/api';
import { expect, test } from 'vitest';
import { CHAT, chatBody, eventsOf, startGateway } from './harness.ts';

const statusWithHost = (url: string, host: string) =>
  new Promise<number>((resolve, reject) => {
    request(`${url}/healthz`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

test('healthz, readyz and the state of the network', async () => {
  const { coordinator, url } = await startGateway();
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', version: '0.1.0-test' });
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
    status: 'ready',
    checks: [
      { name: 'accepting', ok: true },
      { name: 'model', ok: true },
    ],
  });
  coordinator.missing = ['expert 2.7'];
  const waiting = await fetch(`${url}/readyz`);
  expect(waiting.status).toBe(503);
  expect(await waiting.json()).toMatchObject({
    status: 'not_ready',
    checks: [
      { name: 'accepting', ok: true },
      { name: 'model', ok: false, reason: 'Nobody hosts expert 2.7.' },
    ],
    reason: 'Nobody hosts expert 2.7.',
    error: { message: 'Nobody hosts expert 2.7.' },
  });
  const check = async (name: string) => {
    const response = await fetch(`${url}/readyz/${name}`);
    return [response.status, (await response.json()).error?.code ?? null];
  };
  expect(await check('accepting')).toEqual([200, null]);
  expect(await check('model')).toEqual([503, 'not_ready']);
  // This gateway has no chain, and nobody has that other one.
  expect(await check('chain')).toEqual([404, 'ERR_GATEWAY_ROUTE_UNKNOWN']);
  expect(await check('other')).toEqual([400, 'ERR_GATEWAY_REQUEST_INVALID']);
  const state = await (await fetch(`${url}/api/v1/state`)).json();
  expect(networkState.parse(state)).toEqual(state);
  expect(state).toEqual({ ...coordinator.state(), notReady: 'Nobody hosts expert 2.7.' });
});

test.each([
  ['127.0.0.1:9', 200],
  ['localhost', 200],
  ['LOCALHOST.:8080', 200],
  ['[::1]:8080', 200],
  ['chat.localhost:8080', 200],
  ['blyan.lan', 200],
  ['evil.example', 403],
  ['127.0.0.1.evil.example', 403],
  ['127.evil.example', 403],
  ['localhost.evil.example:80', 403],
  ['[::1].evil.example', 403],
])('on loopback the Host header %j gets %i (DNS rebinding)', async (host, status) => {
  const { url } = await startGateway({}, { allowedHosts: ['Blyan.LAN'] });
  expect(await statusWithHost(url, host)).toBe(status);
});

test('a gateway for every address answers to any name', async () => {
  const { url } = await startGateway({}, { host: '0.0.0.0' });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await statusWithHost(url, 'node1.example')).toBe(200);
});

test('any origin may use /v1, without cookies and with any header', async () => {
  const { url } = await startGateway();
  const preflight = await fetch(url + CHAT, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,x-stainless-lang',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,x-stainless-lang');
  expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  const missing = await fetch(`${url}/v1/models/none`, { headers: { origin: 'https://app.example' } });
  expect(missing.headers.get('access-control-allow-origin')).toBe('*');
  const state = await fetch(`${url}/api/v1/state`, { headers: { origin: 'https://app.example' } });
  expect(state.headers.get('access-control-allow-origin')).toBeNull();
});

test.each([
  ['whole', false],
  ['streamed', true],
])('a %s answer has CORS, security and request id headers', async (_name, stream) => {
  const { post, client } = await startGateway();
  const response = await post(CHAT, chatBody({ stream }), {
    headers: { origin: 'https://a.example', 'x-request-id': '0'.repeat(32) },
  });
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('access-control-expose-headers')).toContain('x-request-id');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(response.headers.get('content-security-policy')).not.toContain('unsafe');
  // The id is the right to the answer: a client cannot choose it.
  expect(response.headers.get('x-request-id')).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  if (stream) await eventsOf(response);
  else await response.json();
  const answer = await client.chat.completions.create(chatBody());
  expect(answer._request_id).toMatch(/^[0-9a-f]{32}$/);
});
