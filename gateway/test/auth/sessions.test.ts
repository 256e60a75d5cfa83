import { MemoryStore } from '@blyan/store';
import { expect, test } from 'vitest';
import { deviceName } from '../../src/auth/device-name.ts';
import { startGateway } from '../harness.ts';
import { Browser, TestClock } from './browser.ts';
import { Wallet } from './wallet.ts';

async function start(options: Parameters<typeof startGateway>[1] = {}) {
  const clock = new TestClock();
  const { url, gateway } = await startGateway({}, { clock, ...options });
  return { clock, url, gateway, browser: new Browser(url), wallet: new Wallet() };
}

const kindOf = async (browser: Browser) => (await browser.fetch('GET', '/auth/session')).body.kind;

test('sessions are listed, and ended one by one or all together; nobody ends those of others', async () => {
  const { url, browser, wallet, clock } = await start();
  const [laptop, phone, stranger] = [browser, new Browser(url), new Browser(url)];
  await laptop.signIn(wallet);
  clock.ms += 1_000;
  await phone.signIn(wallet);
  await stranger.signIn(new Wallet());
  const { data } = (await laptop.fetch('GET', '/auth/sessions')).body;
  expect(data.map(({ isCurrent }: { isCurrent: boolean }) => isCurrent)).toEqual([true, false]);
  const revoke = (who: Browser, id: string) => who.fetch('DELETE', `/auth/sessions/${id}`);
  expect((await revoke(stranger, data[1].id)).body).toEqual({ revoked: 0 });
  expect((await revoke(laptop, data[1].id)).body).toEqual({ revoked: 1 });
  expect(await kindOf(phone)).toBe('guest');
  await phone.signIn(wallet);
  expect((await phone.fetch('DELETE', '/auth/sessions')).body).toEqual({ revoked: 2 });
  expect([await kindOf(laptop), await kindOf(phone), await kindOf(stranger)]).toEqual(['guest', 'guest', 'address']);
  const refused = await laptop.fetch('GET', '/auth/sessions');
  expect([refused.status, refused.body.error.code]).toEqual([401, 'ERR_GATEWAY_UNAUTHENTICATED']);
});

test('a session is known by the device that signed in, in words of our own, and all others end at once', async () => {
  const { url, browser, wallet, clock } = await start();
  const others = [new Browser(url), new Browser(url)];
  const { message } = await browser.challenge(wallet);
  const body = { message, signature: wallet.sign(message) };
  const agent = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0 <b>';
  await browser.fetch('POST', '/auth/siwe/verify', body, { 'user-agent': agent });
  for (const other of others) {
    clock.ms += 1_000;
    await other.signIn(wallet);
  }
  const list = async () => (await browser.fetch('GET', '/auth/sessions')).body.data;
  expect((await list()).map(({ device }: { device: string }) => device)).toEqual(['Firefox, Windows', null, null]);
  const answer = await browser.fetch('DELETE', '/auth/sessions?except=current');
  expect(answer.body).toEqual({ revoked: 2 });
  expect(await list()).toMatchObject([{ isCurrent: true, device: 'Firefox, Windows' }]);
  expect((await browser.fetch('DELETE', '/auth/sessions?except=all')).status).toBe(400);
});

test.each([
  [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36',
    'Chrome, Linux',
  ],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18 Safari/605', 'Safari, macOS'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 CriOS/140 Safari/604', 'Chrome, iPhone'],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140 Safari/537 Edg/140', 'Edge, Windows'],
  [
    'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537 SamsungBrowser/28 Chrome/130 Mobile Safari/537',
    'Samsung Internet, Android',
  ],
  ['Firefox/1', 'Firefox'],
  [`${' '.repeat(600)}Firefox/1`, null],
  ['node', null],
  [undefined, null],
])('%j is %j', (agent, name) => {
  expect(deviceName(agent)).toBe(name);
});

test('signing in makes a new secret and ends the session that the browser had', async () => {
  const { url, browser, wallet } = await start();
  await browser.signIn(wallet);
  const planted = new Browser(url);
  for (const [name, value] of browser.cookies) planted.cookies.set(name, value);
  await browser.signIn(new Wallet());
  expect([...browser.cookies.values()]).not.toEqual([...planted.cookies.values()]);
  expect(await kindOf(planted)).toBe('guest');
  expect(await kindOf(browser)).toBe('address');
});

test('a session ends a day after its last use, and after a week in any case', async () => {
  const { browser, wallet, clock } = await start();
  const hours = 60 * 60_000;
  await browser.signIn(wallet);
  clock.ms += 24 * hours;
  expect(await kindOf(browser)).toBe('guest');
  await browser.signIn(wallet);
  for (let day = 0; day < 8; day++) {
    clock.ms += 20 * hours;
    expect(await kindOf(browser)).toBe('address');
  }
  clock.ms += 20 * hours;
  expect(await kindOf(browser)).toBe('guest');
});

test('an account has 32 sessions; the oldest makes room', async () => {
  const { url, browser, wallet, clock } = await start();
  await browser.signIn(wallet);
  for (let i = 0; i < 32; i++) {
    clock.ms += 3_000;
    await new Browser(url).signIn(wallet);
  }
  expect(await kindOf(browser)).toBe('guest');
});

test('sessions outlive the gateway where it has a store, which holds no secret', async () => {
  const accounts = new MemoryStore();
  const { browser, wallet, gateway, clock } = await start({ accounts });
  await browser.signIn(wallet);
  await gateway.stop();
  const { url } = await startGateway({}, { accounts, clock });
  const again = new Browser(url);
  const [[, secret] = ['', '']] = [...browser.cookies];
  again.cookies.set(`blyan-${new URL(url).port}-session`, secret);
  expect((await again.fetch('GET', '/auth/session')).body.address).toBe(wallet.account);
  for await (const [key, value] of accounts.entries({ from: '!', to: '~' })) {
    expect(key).toMatch(/^session\/[0-9a-f]{64}$/);
    expect(Buffer.from(value).toString()).not.toContain(secret);
  }
});

test.each([
  ['a page of another origin', { origin: 'https://evil.example' }],
  ['a page of another port', { origin: 'http://127.0.0.1:1' }],
  ['a page without an origin', { origin: 'null' }],
  ['what the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['what the browser calls same-site', { 'sec-fetch-site': 'same-site' }],
])('%s does nothing with the cookies of somebody signed in', async (_name, headers) => {
  const { browser, wallet } = await start();
  await browser.signIn(wallet);
  const attempts = [
    ['POST', '/auth/logout'],
    ['GET', '/auth/sessions'],
    ['DELETE', '/auth/sessions'],
    ['POST', '/auth/siwe/challenge', { address: wallet.address, chainId: 1 }],
    ['POST', '/auth/siwe/verify', { message: '', signature: '0x00' }],
  ] as const;
  for (const [method, path, body] of attempts) {
    const answer = await browser.fetch(method, path, body, headers);
    expect([path, answer.status, answer.body.error.code]).toEqual([path, 403, 'ERR_GATEWAY_ORIGIN_REFUSED']);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  }
  expect(await kindOf(browser)).toBe('address');
});

test('a cookie that came twice is none: who planted the other one cannot be told', async () => {
  const { browser, wallet } = await start();
  await browser.signIn(wallet);
  const [[name, value] = ['', '']] = [...browser.cookies];
  const twice = await browser.fetch('GET', '/auth/session', undefined, { cookie: `${name}=${value}; ${name}=x` });
  expect(twice.body.kind).toBe('guest');
});

test('with --auth off nobody signs in', async () => {
  const { browser, wallet } = await start({ auth: 'off' });
  const answer = await browser.fetch('POST', '/auth/siwe/challenge', { address: wallet.address });
  expect([answer.status, answer.body.error.code]).toEqual([403, 'ERR_GATEWAY_SIGN_IN_UNAVAILABLE']);
  expect((await browser.fetch('GET', '/auth/session')).body).toMatchObject({ kind: 'guest', auth: 'off' });
});
