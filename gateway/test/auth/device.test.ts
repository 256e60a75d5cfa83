import { expect, test } from 'vitest';
import { CHAT, chatBody, startGateway } from '../harness.ts';
import { Browser, TestClock } from './browser.ts';
import { Wallet } from './wallet.ts';

async function start(options: Parameters<typeof startGateway>[1] = {}) {
  const clock = new TestClock();
  const started = await startGateway({}, { clock, auth: 'required', ...options });
  const person = new Browser(started.url);
  const wallet = new Wallet();
  await person.signIn(wallet);
  const program = new Browser(started.url, null);
  const begin = async (body: object = { name: 'terminal' }) => (await program.fetch('POST', '/auth/device', body)).body;
  const poll = (deviceCode: string) => program.fetch('POST', '/auth/device/key', { deviceCode });
  const decide = (code: string, approve: boolean, who = person) =>
    who.fetch('POST', `/auth/device/${code}`, { approve });
  return { ...started, clock, person, wallet, program, begin, poll, decide };
}

const refusal = ({ status, body }: Awaited<ReturnType<Browser['fetch']>>) => [status, body.error.code];
const UNKNOWN = [404, 'ERR_GATEWAY_DEVICE_CODE'];

test('a program gets the key that a person approved, once, and nobody without its device code does', async () => {
  const { url, post, person, wallet, begin, poll, decide } = await start();
  const begun = await begin({ name: 'terminal', scopes: ['inference', 'account'] });
  expect(begun).toMatchObject({ verificationUri: `${url}/account#device`, intervalSeconds: 1 });
  expect(begun.userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/);
  expect((await poll(begun.deviceCode)).body).toEqual({ status: 'pending' });
  const seen = await person.fetch('GET', `/auth/device/${begun.userCode}`);
  expect(seen.body).toEqual({
    ...{ name: 'terminal', scopes: ['inference', 'account'], network: null },
    expiresAt: '2026-11-27T12:10:00.000Z',
  });
  expect((await decide(begun.userCode, true)).status).toBe(204);
  // The code that people see is not enough.
  expect(refusal(await poll(`${begun.userCode}.x`))).toEqual(UNKNOWN);
  const racing = await Promise.all([poll(begun.deviceCode), poll(begun.deviceCode)]);
  expect(racing.map(({ status }) => status).sort()).toEqual([200, 404]);
  const { key, ...facts } = racing.find(({ status }) => status === 200)?.body.key ?? {};
  expect(facts).toMatchObject({ name: 'terminal', scopes: ['inference', 'account'], expiresAt: null });
  expect((await post(CHAT, chatBody(), { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
  expect((await person.fetch('GET', '/auth/keys')).body.data).toEqual([{ ...facts, lastUsedAt: expect.any(String) }]);
  const owner = await person.fetch('GET', '/auth/session');
  expect(owner.body.address).toBe(wallet.account);
});

test('of two people who approve one code at once the first does, and may say so again', async () => {
  const { url, begin, poll, decide, person, wallet } = await start();
  const [other, stranger] = [new Browser(url), new Wallet()];
  await other.signIn(stranger);
  const { userCode, deviceCode } = await begin();
  const people = [
    { browser: person, account: wallet.account },
    { browser: other, account: stranger.account },
  ];
  const decided = await Promise.all(people.map(({ browser }) => decide(userCode, true, browser)));
  expect(decided.map(({ status }) => status).sort()).toEqual([204, 404]);
  const first = decided.findIndex(({ status }) => status === 204);
  expect((await decide(userCode, true, people[first]?.browser)).status).toBe(204);
  expect(refusal(await decide(userCode, true, people[1 - first]?.browser))).toEqual(UNKNOWN);
  expect((await poll(deviceCode)).body.status).toBe('approved');
  const [owned, none] = await Promise.all(
    [first, 1 - first].map(async (at) => (await people[at]?.browser.fetch('GET', '/auth/keys'))?.body.data),
  );
  expect([owned.length, none.length]).toEqual([1, 0]);
});

test('what is refused, too old or made up gets no key', async () => {
  const { begin, poll, decide, clock } = await start();
  const refused = await begin();
  expect((await decide(refused.userCode, false)).status).toBe(204);
  expect(refusal(await poll(refused.deviceCode))).toEqual(UNKNOWN);
  expect(refusal(await decide(refused.userCode, true))).toEqual(UNKNOWN);
  const late = await begin();
  await decide(late.userCode, true);
  clock.ms += 10 * 60_000;
  expect(refusal(await poll(late.deviceCode))).toEqual(UNKNOWN);
  for (const code of ['', '.', 'BCDFGHJK', 'BCDFGHJK.', `${late.userCode}.${'x'.repeat(43)}`, '../..'])
    expect(refusal(await poll(code))).toEqual(UNKNOWN);
});

test('only a person who is signed in at the page approves: no key, no guest, no other page', async () => {
  const { url, person, program, begin, decide } = await start();
  const { userCode } = await begin();
  const { key } = (await person.fetch('POST', '/auth/keys', { name: 'x', scopes: ['inference', 'account'] })).body;
  const path = `/auth/device/${userCode}`;
  const bearer = { authorization: `Bearer ${key}` };
  expect(refusal(await program.fetch('POST', path, { approve: true }, bearer))).toEqual([
    401,
    'ERR_GATEWAY_UNAUTHENTICATED',
  ]);
  expect((await decide(userCode, true, new Browser(url))).status).toBe(401);
  const evil = await person.fetch('POST', path, { approve: true }, { origin: 'https://evil.example' });
  expect(refusal(evil)).toEqual([403, 'ERR_GATEWAY_ORIGIN_REFUSED']);
  expect((await decide(userCode, true)).status).toBe(204);
});

test('asking too often, trying codes and beginning without end are refused with the time to wait', async () => {
  const { begin, poll, person, program, clock } = await start();
  const { deviceCode } = await begin();
  const polls = [];
  for (let i = 0; i < 4; i++) polls.push((await poll(deviceCode)).status);
  expect(polls).toEqual([200, 200, 200, 429]);
  clock.ms += 1_000;
  expect((await poll(deviceCode)).status).toBe(200);
  for (let i = 0; i < 20; i++) expect((await person.fetch('GET', '/auth/device/BCDFGHJK')).status).toBe(404);
  const tried = await person.fetch('GET', '/auth/device/BCDFGHJK');
  expect([tried.status, tried.headers.get('retry-after')]).toEqual([429, '3']);
  for (let i = 1; i < 30; i++) await begin();
  expect((await program.fetch('POST', '/auth/device', { name: 'one more' })).status).toBe(429);
});

test('where nobody can sign in, no program asks for a key', async () => {
  const { url } = await startGateway({}, { auth: 'off' });
  const program = new Browser(url, null);
  const answer = await program.fetch('POST', '/auth/device', { name: 'terminal' });
  expect(refusal(answer)).toEqual([403, 'ERR_GATEWAY_SIGN_IN_UNAVAILABLE']);
});

test.each([
  ['/auth/device', {}, 'name'],
  ['/auth/device', { name: 'x'.repeat(65) }, 'name'],
  ['/auth/device', { name: 'x', scopes: ['all'] }, 'scopes.0'],
  ['/auth/device/key', {}, 'deviceCode'],
  ['/auth/device/key', { deviceCode: 'x'.repeat(129) }, 'deviceCode'],
  ['/auth/device/BCDFGHJK', { approve: 'yes' }, 'approve'],
  ['/auth/device/bcdfghjk', { approve: true }, 'id'],
  ['/auth/device/AEIOUAEI', { approve: true }, 'id'],
])('POST %s with %j is refused at %s', async (path, body, param) => {
  const { person } = await start();
  const answer = await person.fetch('POST', path, body);
  expect([answer.status, answer.body.error.param]).toEqual([400, param]);
});
