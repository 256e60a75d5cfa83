import { MemoryStore } from '@blyan/store';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { CHAT, chatBody, startGateway } from '../harness.ts';
import { Browser, TestClock } from './browser.ts';
import { Wallet } from './wallet.ts';

async function start(options: Parameters<typeof startGateway>[1] = {}) {
  const clock = new TestClock();
  const started = await startGateway({}, { clock, ...options });
  const browser = new Browser(started.url);
  const wallet = new Wallet();
  await browser.signIn(wallet);
  const make = async (body: object = { name: 'laptop' }) => (await browser.fetch('POST', '/auth/keys', body)).body;
  const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${started.url}/v1`, apiKey, maxRetries: 0 });
  return { ...started, clock, browser, wallet, make, clientOf };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test('a key is made once, works in the openai client, shows its last use, and ends when it is revoked', async () => {
  const { browser, make, clientOf, clock } = await start();
  const made = await make();
  expect(made.key).toMatch(/^bly_sk_[\w-]{43}$/);
  expect(made).toMatchObject({ name: 'laptop', scopes: ['inference'], hint: made.key.slice(-4), lastUsedAt: null });
  clock.ms += 5_000;
  const answer = await clientOf(made.key).chat.completions.create(chatBody());
  expect(answer.choices[0]?.message.content).not.toBe('');
  const listed = (await browser.fetch('GET', '/auth/keys')).body;
  const { key, ...rest } = made;
  expect(listed.data).toEqual([{ ...rest, lastUsedAt: '2026-11-27T12:00:05.000Z' }]);
  expect(JSON.stringify(listed)).not.toContain(key);
  expect((await browser.fetch('DELETE', `/auth/keys/${made.id}`)).body).toEqual({ revoked: 1 });
  const refused = clientOf(made.key).chat.completions.create(chatBody());
  await expect(refused).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
});

test('x-api-key is a key as well, and keys of others stand for nobody', async () => {
  const { post, make, url } = await start();
  const { key } = await make();
  expect((await post(CHAT, chatBody(), { headers: { 'x-api-key': key } })).status).toBe(200);
  expect((await post(CHAT, chatBody(), { headers: { 'x-api-key': `${key}x` } })).status).toBe(401);
  expect((await post(CHAT, chatBody(), { headers: bearer('sk-proj-1') })).status).toBe(200);
  expect((await fetch(`${url}/v1/models`, { headers: bearer(`bly_sk_${'x'.repeat(5000)}`) })).status).toBe(401);
});

test('a key does what its scopes allow; only a session makes keys; nobody sees those of others', async () => {
  const { url, post, make, browser } = await start();
  const inference = await make();
  const account = await make({ name: 'cli', scopes: ['account', 'account'] });
  expect(account.scopes).toEqual(['account']);
  const program = new Browser(url, null);
  const listed = await program.fetch('GET', '/auth/keys', undefined, bearer(account.key));
  expect(listed.body.data).toHaveLength(2);
  const code = async (...args: Parameters<Browser['fetch']>) => {
    const { status, body } = await program.fetch(...args);
    return [status, body.error.code];
  };
  expect(await code('GET', '/auth/keys', undefined, bearer(inference.key))).toEqual([403, 'ERR_GATEWAY_SCOPE']);
  expect(await code('POST', '/auth/keys', { name: 'x' }, bearer(account.key))).toEqual([
    401,
    'ERR_GATEWAY_UNAUTHENTICATED',
  ]);
  expect(await code('GET', '/auth/keys')).toEqual([401, 'ERR_GATEWAY_UNAUTHENTICATED']);
  expect((await post(CHAT, chatBody(), { headers: bearer(account.key) })).status).toBe(403);
  const stranger = new Browser(url);
  await stranger.signIn(new Wallet());
  expect((await stranger.fetch('GET', '/auth/keys')).body.data).toEqual([]);
  expect((await stranger.fetch('DELETE', `/auth/keys/${inference.id}`)).body).toEqual({ revoked: 0 });
  const evil = await browser.fetch('POST', '/auth/keys', { name: 'x' }, { origin: 'https://evil.example' });
  expect([evil.status, evil.body.error.code]).toEqual([403, 'ERR_GATEWAY_ORIGIN_REFUSED']);
});

test.each([
  [{}, 'name'],
  [{ name: '' }, 'name'],
  [{ name: 'x'.repeat(65) }, 'name'],
  [{ name: 'x', scopes: [] }, 'scopes'],
  [{ name: 'x', scopes: ['everything'] }, 'scopes.0'],
  [{ name: 'x', expiresInDays: 0 }, 'expiresInDays'],
  [{ name: 'x', expiresInDays: 4000 }, 'expiresInDays'],
])('the body %j of a new key is refused at %s', async (body, param) => {
  const { browser } = await start();
  const answer = await browser.fetch('POST', '/auth/keys', body);
  expect([answer.status, answer.body.error.param]).toEqual([400, param]);
});

test('a key that was made for some days ends after them, in a gateway that was started again too', async () => {
  const accounts = new MemoryStore();
  const { make, browser, post, clock, gateway } = await start({ accounts });
  const { key, expiresAt } = await make({ name: 'week', expiresInDays: 7 });
  expect(expiresAt).toBe('2026-12-04T12:00:00.000Z');
  clock.ms += 7 * 24 * 60 * 60_000 - 1;
  expect((await post(CHAT, chatBody(), { headers: bearer(key) })).status).toBe(200);
  clock.ms += 1;
  const refused = await post(CHAT, chatBody(), { headers: bearer(key) });
  expect([refused.status, (await refused.json()).error.code]).toEqual([401, 'invalid_api_key']);
  await browser.signIn(new Wallet());
  expect((await browser.fetch('GET', '/auth/keys')).body.data).toEqual([]);
  await gateway.stop();
  const again = await startGateway({}, { accounts, clock });
  expect((await again.post(CHAT, chatBody(), { headers: bearer(key) })).status).toBe(401);
});

test('an account has 64 keys, no more', async () => {
  const { browser, make } = await start();
  for (let i = 0; i < 64; i++) await make();
  const answer = await browser.fetch('POST', '/auth/keys', { name: 'one more' });
  expect([answer.status, answer.body.error.code]).toEqual([409, 'ERR_GATEWAY_TOO_MANY_KEYS']);
});

test('keys outlive the gateway; its store has their hashes only', async () => {
  const accounts = new MemoryStore();
  const { gateway, make } = await start({ accounts });
  const { key } = await make();
  await gateway.stop();
  const { post } = await startGateway({}, { accounts });
  expect((await post(CHAT, chatBody(), { headers: bearer(key) })).status).toBe(200);
  for await (const [name, value] of accounts.entries({ from: '!', to: '~' })) {
    expect(name + Buffer.from(value).toString()).not.toContain(key);
  }
});

test('where signing in is required, guests get no answers but see the models; sessions and keys get them', async () => {
  const { url, post, make, browser } = await start({ auth: 'required' });
  const refused = await post(CHAT, chatBody(), { headers: { origin: 'https://app.example' } });
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  expect((await refused.json()).error).toMatchObject({
    type: 'authentication_error',
    code: 'ERR_GATEWAY_UNAUTHENTICATED',
  });
  expect((await post(CHAT, chatBody(), { headers: bearer('none') })).status).toBe(401);
  expect((await fetch(`${url}/v1/models`)).status).toBe(200);
  expect((await fetch(`${url}/api/v1/requests/${'0'.repeat(32)}/stream`)).status).toBe(401);
  expect((await fetch(url + CHAT, { method: 'OPTIONS' })).status).toBe(204);
  expect((await browser.fetch('POST', CHAT, chatBody())).status).toBe(200);
  // The cookies of somebody signed in are worth nothing to other pages.
  expect((await browser.fetch('POST', CHAT, chatBody(), { origin: 'https://evil.example' })).status).toBe(401);
  expect((await browser.fetch('POST', CHAT, chatBody(), { 'sec-fetch-site': 'cross-site' })).status).toBe(401);
  const { key } = await make();
  expect((await post(CHAT, chatBody(), { headers: bearer(key) })).status).toBe(200);
});

test.each([
  ...['/v1/chat/completions', '/%761/chat/completions', '/v1/ch%61t/completions', '/v1/completions', '/v1/responses'],
  ...['/v1/messages', '/v1/messages/count_tokens', '/api/chat', '/api/ch%61t', '/%61pi/generate', '/api/show'],
])('however its path is spelt, no route that computes takes a guest then: %s', async (path) => {
  const { post, coordinator } = await startGateway({}, { auth: 'required' });
  expect((await post(path, chatBody())).status).toBe(401);
  expect(coordinator.requests).toEqual([]);
});

test('on another address than loopback, and behind a proxy, signing in is required unless it is said otherwise', async () => {
  const { post } = await startGateway({}, { host: '0.0.0.0' });
  expect((await post(CHAT, chatBody())).status).toBe(401);
  const open = await startGateway({}, { host: '0.0.0.0', auth: 'optional' });
  expect((await open.post(CHAT, chatBody())).status).toBe(200);
  // A proxy on this machine lets everybody in, whatever address the gateway listens on.
  const behind = await startGateway({}, { origin: 'https://chat.example.org' });
  expect((await behind.post(CHAT, chatBody())).status).toBe(401);
  const named = await startGateway({}, { origin: 'http://localhost:8080' });
  expect((await named.post(CHAT, chatBody())).status).toBe(200);
  const off = await startGateway({}, { host: '0.0.0.0', auth: 'off' });
  expect((await off.post(CHAT, chatBody(), { headers: bearer('bly_sk_unknown') })).status).toBe(200);
});
