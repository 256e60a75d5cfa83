import { request } from 'node:http';
import { expect, test } from 'vitest';
import { LocalAuthStore } from '../../src/auth/local-auth-store.ts';
import { SignIn } from '../../src/auth/sign-in.ts';
import { startGateway } from '../harness.ts';
import { Browser, TestClock } from './browser.ts';
import { malleate, Wallet } from './wallet.ts';

async function start(options: Parameters<typeof startGateway>[1] = {}) {
  const clock = new TestClock();
  const { url } = await startGateway({}, { clock, ...options });
  return { clock, url, browser: new Browser(url), wallet: new Wallet() };
}

test('a wallet signs in, is remembered by its cookie, and signs out', async () => {
  const { browser, wallet, url } = await start();
  const { message, nonce, expiresAt } = await browser.challenge(wallet);
  const { host } = new URL(url);
  expect(message.split('\n')).toEqual([
    `${host} wants you to sign in with your Ethereum account:`,
    wallet.address,
    '',
    'Sign in to this Blyan gateway. This costs nothing and sends no transaction.',
    '',
    `URI: ${url}`,
    'Version: 1',
    'Chain ID: 1',
    `Nonce: ${nonce}`,
    'Issued At: 2026-11-27T12:00:00.000Z',
    'Expiration Time: 2026-11-27T12:05:00.000Z',
  ]);
  expect(expiresAt).toBe('2026-11-27T12:05:00.000Z');
  const answer = await browser.verify(message, wallet.sign(message));
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ address: wallet.account, expiresAt: '2026-11-28T12:00:00.000Z' });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const who = await browser.fetch('GET', '/auth/session');
  expect(who.body).toMatchObject({ kind: 'address', address: wallet.account, auth: 'optional', signInRefusal: null });
  const stolen = new Map(browser.cookies);
  expect((await browser.fetch('POST', '/auth/logout')).status).toBe(204);
  expect(browser.cookies.size).toBe(0);
  for (const [name, value] of stolen) browser.cookies.set(name, value);
  expect((await browser.fetch('GET', '/auth/session')).body).toMatchObject({ kind: 'guest', address: null });
});

test('the cookie is Secure and bound to the host over https, and to the port on loopback', async () => {
  const https = 'https://chat.example.org';
  const { url } = await start({ origin: https });
  const browser = new Browser(url, https);
  const wallet = new Wallet();
  const { message } = await browser.challenge(wallet);
  expect(message).toContain('chat.example.org wants you');
  expect(message).toContain(`URI: ${https}\n`);
  const { headers } = await browser.verify(message, wallet.sign(message));
  expect(headers.getSetCookie()[1]).toMatch(
    /^__Host-blyan-session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure$/,
  );
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
  const local = await start();
  const { headers: plain } = await local.browser.signIn(local.wallet);
  expect(plain.get('strict-transport-security')).toBeNull();
  expect([...local.browser.cookies.keys()]).toEqual([`blyan-${new URL(local.url).port}-session`]);
});

/** Every row is a message that its wallet really signed. */
const CHANGED: readonly (readonly [string, (message: string) => string, string])[] = [
  ['a foreign domain', (m) => m.replace(/^\S+/, 'evil.example'), 'domain'],
  ['a scheme', (m) => `https://${m}`, 'scheme'],
  ['the URI of another origin', (m) => m.replace(/URI: .*/, 'URI: https://evil.example'), 'uri'],
  ['a path in the URI', (m) => m.replace(/(URI: .*)/, '$1/elsewhere'), 'uri'],
  ['another chain id', (m) => m.replace('Chain ID: 1', 'Chain ID: 137'), 'chainId'],
  ['a later expiry', (m) => m.replace('12:05:00.000Z', '23:05:00.000Z'), 'expirationTime'],
  ['no expiry', (m) => m.replace(/\nExpiration Time: .*/, ''), 'expirationTime'],
  ['another time of issue', (m) => m.replace('Issued At: 2026', 'Issued At: 2027'), 'issuedAt'],
  ['a not-before', (m) => `${m}\nNot Before: 2026-11-27T12:01:00.000Z`, 'notBefore'],
  ['a request id', (m) => `${m}\nRequest ID: 1`, 'requestId'],
  ['resources', (m) => `${m}\nResources:\n- https://evil.example`, 'resources'],
  ['another statement', (m) => m.replace('costs nothing', 'costs much'), 'statement'],
];

test.each(CHANGED)('a message with %s is refused, and its challenge is spent', async (_name, change, field) => {
  const { browser, wallet } = await start();
  const { message } = await browser.challenge(wallet);
  const changed = change(message);
  const answer = await browser.verify(changed, wallet.sign(changed));
  expect(answer.status).toBe(401);
  expect(answer.body.error).toMatchObject({ code: 'ERR_GATEWAY_SIWE_MISMATCH', param: field });
  const again = await browser.verify(message, wallet.sign(message));
  expect(again.body.error.code).toBe('ERR_GATEWAY_SIWE_NONCE');
  expect((await browser.fetch('GET', '/auth/session')).body.kind).toBe('guest');
});

const MALFORMED: readonly (readonly [string, (message: string) => string])[] = [
  ['CRLF line ends', (m) => m.replaceAll('\n', '\r\n')],
  ['a second nonce', (m) => `${m}\nNonce: 0123456789abcdef`],
  ['a second URI', (m) => m.replace('\nVersion', '\nURI: https://evil.example\nVersion')],
  ['fields injected into the statement', (m) => m.replace('This costs', '\nURI: https://evil.example\nThis costs')],
  ['a Hangul statement', (m) => m.replace('Sign in', '로그인')],
  ['a lower-case address', (m) => m.replace(/0x[0-9a-fA-F]{40}/, (a) => a.toLowerCase().replace(/[a-f]/g, 'a'))],
  ['another version', (m) => m.replace('Version: 1', 'Version: 2')],
  ['a date that is none', (m) => m.replace('2026-11-27T12:05', '2026-13-45T12:05')],
  ['a line feed at its end', (m) => `${m}\n`],
  ['three thousand characters', (m) => m.replace('costs nothing', 'x'.repeat(1800))],
];

test.each(MALFORMED)('a message with %s is no message, and the challenge is still good', async (_name, change) => {
  const { browser, wallet } = await start();
  const { message } = await browser.challenge(wallet);
  const changed = change(message);
  const answer = await browser.verify(changed, wallet.sign(changed));
  expect(answer.status).toBe(400);
  expect(answer.body.error).toMatchObject({
    code: expect.stringMatching(/SIWE_MESSAGE|REQUEST_INVALID/),
    param: 'message',
  });
  expect((await browser.verify(message, wallet.sign(message))).status).toBe(200);
});

test('a challenge is good once: not again, not for one of many at a time, not after its time, not unasked', async () => {
  const { browser, wallet, clock } = await start();
  const first = await browser.challenge(wallet);
  const cookies = new Map(browser.cookies);
  const signature = wallet.sign(first.message);
  const racing = await Promise.all(Array.from({ length: 8 }, () => browser.verify(first.message, signature)));
  expect(racing.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401]);
  // The signature's twin with a high s is another text for the same thing: neither signs in again.
  for (const again of [signature, malleate(signature)]) {
    for (const [name, value] of cookies) browser.cookies.set(name, value);
    const replayed = await browser.verify(first.message, again);
    expect([replayed.status, replayed.body.error.code]).toEqual([401, 'ERR_GATEWAY_SIWE_NONCE']);
  }
  const late = await browser.challenge(wallet);
  clock.ms += 5 * 60_000;
  expect((await browser.verify(late.message, wallet.sign(late.message))).body.error.code).toBe(
    'ERR_GATEWAY_SIWE_NONCE',
  );
  const unasked = late.message.replace(/Nonce: .*/, `Nonce: ${'ab'.repeat(16)}`);
  expect((await browser.verify(unasked, wallet.sign(unasked))).body.error.code).toBe('ERR_GATEWAY_SIWE_NONCE');
});

test('the challenge of another browser is refused, with and without a cookie of one', async () => {
  const { browser, wallet, url } = await start();
  for (const other of [new Browser(url), new Browser(url)]) {
    const { message } = await browser.challenge(wallet);
    if (other.cookies.size === 0) await other.challenge(wallet);
    else other.cookies.clear();
    const answer = await other.verify(message, wallet.sign(message));
    expect([answer.status, answer.body.error.code]).toEqual([401, 'ERR_GATEWAY_SIWE_NONCE']);
  }
  const { message } = await browser.challenge(wallet);
  browser.cookies.clear();
  expect((await browser.verify(message, wallet.sign(message))).status).toBe(401);
});

test('the signature of another key, a high s, a wrong length and a wrong recovery id are refused', async () => {
  const { browser, wallet } = await start();
  const changes: ((signature: string, message: string) => string)[] = [
    (_signature, message) => new Wallet().sign(message),
    (signature) => malleate(signature),
    (signature) => signature.slice(0, -2),
    (signature) => `${signature.slice(0, -2)}1d`,
    (signature) => `${signature}00`,
    () => `0x${'00'.repeat(65)}`,
    () => `0x${'ff'.repeat(65)}`,
  ];
  for (const change of changes) {
    const { message } = await browser.challenge(wallet);
    const answer = await browser.verify(message, change(wallet.sign(message), message));
    expect([answer.status, answer.body.error.code]).toEqual([401, 'ERR_GATEWAY_SIWE_SIGNATURE']);
  }
  const signature = wallet.sign('x');
  const { message } = await browser.challenge(wallet);
  expect((await browser.verify(message, 'no hex')).status).toBe(400);
  expect((await browser.verify(message, signature)).status).toBe(401);
});

test('other chains than those allowed get no challenge', async () => {
  const { url } = await start({ chainIds: [1, 10] });
  const browser = new Browser(url);
  const wallet = new Wallet();
  const { message } = await browser.challenge(wallet, 10);
  expect((await browser.verify(message, wallet.sign(message))).status).toBe(200);
  const answer = await browser.fetch('POST', '/auth/siwe/challenge', { address: wallet.address, chainId: 137 });
  expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([
    400,
    'ERR_GATEWAY_CHAIN_ID',
    'chainId',
  ]);
});

test('a Host header says nothing about the domain', async () => {
  const { url } = await start({ origin: 'https://chat.example.org', allowedHosts: ['evil.example'] });
  const body = JSON.stringify({ address: new Wallet().address, chainId: 1 });
  const message = await new Promise<string>((resolve, reject) => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'content-type': 'application/json' };
    request(`${url}/auth/siwe/challenge`, { method: 'POST', headers }, async (response) => {
      resolve(JSON.parse(Buffer.concat(await response.toArray()).toString()).message);
    })
      .on('error', reject)
      .end(body);
  });
  expect(message).toContain('chat.example.org wants you');
  expect(message).not.toContain('evil');
});

test.each([
  ['http://chat.example.org', '127.0.0.1', 'plain_http', /plain http/],
  [undefined, '0.0.0.0', 'no_origin', /--origin https/],
  ['https://chat.example.org/path', '127.0.0.1', 'origin_invalid', /without a path/],
])('with origin %s on %s nobody signs in, and is told why', async (origin, host, code, reason) => {
  const { url } = await start({ origin, host });
  const browser = new Browser(url);
  const answer = await browser.fetch('POST', '/auth/siwe/challenge', { address: new Wallet().address, chainId: 1 });
  expect([answer.status, answer.body.error.code]).toEqual([403, 'ERR_GATEWAY_SIGN_IN_UNAVAILABLE']);
  expect(answer.body.error.message).toMatch(reason);
  const { signInRefusal, signInRefusalReason, origins } = (await browser.fetch('GET', '/auth/session')).body;
  expect([signInRefusalReason, origins]).toEqual([code, []]);
  expect(signInRefusal).toMatch(reason);
});

test('twenty challenges a minute and a few more, then 429 with the time to wait', async () => {
  const { browser, wallet, clock } = await start();
  const ask = () => browser.fetch('POST', '/auth/siwe/challenge', { address: wallet.address, chainId: 1 });
  for (let i = 0; i < 30; i++) expect((await ask()).status).toBe(200);
  const refused = await ask();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
  clock.ms += 2_000;
  expect((await ask()).status).toBe(200);
  expect((await browser.challenge(new Wallet())).nonce).toHaveLength(32);
});

test.each([
  [{}, 400, 'address'],
  [{ address: '0x12' }, 400, 'address'],
  [{ address: `0x${'g'.repeat(40)}` }, 400, 'address'],
  [{ address: ['0x'] }, 400, 'address'],
  [{ address: `0x${'a'.repeat(40)}`, chainId: 0 }, 400, 'chainId'],
  [{ address: `0x${'a'.repeat(40)}`, chainId: '1' }, 400, 'chainId'],
  [{ address: `0x${'a'.repeat(40)}`, chainId: 1e300 }, 400, 'chainId'],
  [[], 400, null],
  [null, 400, null],
  [{ address: `0x${'a'.repeat(40)}`, more: 'x'.repeat(17_000) }, 413, null],
])('a challenge for %j is refused with %i', async (body, status, param) => {
  const { browser } = await start();
  const answer = await browser.fetch('POST', '/auth/siwe/challenge', body);
  expect([answer.status, answer.body.error.param]).toEqual([status, param]);
});

test('a name that was resolved to this machine (DNS rebinding) gets nothing from the routes of cookies', async () => {
  const { url, browser, wallet } = await start();
  await browser.signIn(wallet);
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const status = await new Promise((resolve, reject) => {
    request(`${url}/auth/sessions`, { headers: { host: 'evil.example', cookie } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(403);
});

test('challenges of one network are bounded, whatever wallets it has', async () => {
  const clock = new TestClock();
  const store = new LocalAuthStore(clock, null);
  const signIn = new SignIn({ store, clock, chainIds: [1], contracts: null });
  const ask = (n: number, network: string | null) =>
    signIn.challenge('https://a.example', `0x${n.toString(16).padStart(40, '0')}`, 1, network);
  for (let n = 0; n < 120; n++) await ask(n, '192.0.2.1');
  await expect(ask(120, '192.0.2.1')).rejects.toMatchObject({ code: 'ERR_GATEWAY_RATE_LIMITED' });
  await ask(121, '192.0.2.2');
  await ask(122, null);
});
