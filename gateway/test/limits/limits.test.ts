import { MemoryStore } from '@blyan/store';
import { expect, test } from 'vitest';
import { LocalAuthStore } from '../../src/auth/local-auth-store.ts';
import { Limits, limitSubject } from '../../src/limits/limits.ts';
import { Browser, TestClock } from '../auth/browser.ts';
import { Wallet } from '../auth/wallet.ts';
import { CHAT, chatBody, eventsOf, startGateway } from '../harness.ts';
import { tokensOf } from '../scripted-coordinator.ts';

function build(clock = new TestClock(), disk: MemoryStore | null = null) {
  const limits = new Limits(new LocalAuthStore(clock, disk), clock);
  const headers: Record<string, string>[] = [];
  const admit = (subject = '0xa', keyId: string | null = null, promptTokens = 10) =>
    limits.admit({ subject, keyId, promptTokens }, (told) => void headers.push(told));
  return { clock, limits, admit, headers };
}

const GUEST = { kind: 'guest', account: 'guest', keyId: null, scopes: [] } as const;

test('requests in a minute: the sixty-first waits as long as it is told', async () => {
  const { admit, clock, headers } = build();
  for (let i = 0; i < 60; i++) (await admit()).close(null);
  expect(headers.at(-1)).toEqual({
    'ratelimit-policy': '"requests";q=60;w=60, "tokens";q=60000;w=60, "day";q=2400;w=86400',
    ratelimit: '"requests";r=0;t=60, "tokens";r=59400;t=1, "day";r=2340;t=2160',
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '60s',
    'x-ratelimit-limit-tokens': '60000',
    'x-ratelimit-remaining-tokens': '59400',
    'x-ratelimit-reset-tokens': '1s',
  });
  await expect(admit()).rejects.toMatchObject({ code: 'ERR_GATEWAY_RATE_LIMITED', meta: { retryAfterSeconds: 1 } });
  expect(headers).toHaveLength(61);
  (await admit('0xb')).close(null);
  clock.ms += 1_000;
  (await admit()).close(null);
});

test('tokens in a minute: those of the answer count as they come, and a debt is waited off', async () => {
  const { admit, clock } = build();
  const ticket = await admit('0xa', null, 50_000);
  ticket.used(15_000);
  ticket.close('good');
  await expect(admit('0xa', null, 1)).rejects.toMatchObject({ meta: { retryAfterSeconds: 6 } });
  clock.ms += 6_000;
  (await admit('0xa', null, 1)).close(null);
});

test('streams: a place is given back once, whatever closes it', async () => {
  const { admit, limits } = build();
  const tickets = await Promise.all([admit(), admit(), admit(), admit()]);
  await expect(admit()).rejects.toMatchObject({ code: 'ERR_GATEWAY_TOO_MANY_STREAMS' });
  tickets[0]?.close(null);
  tickets[0]?.close('good');
  expect((await limits.usage('0xa')).streams).toBe(3);
  await admit();
  await expect(admit()).rejects.toMatchObject({ code: 'ERR_GATEWAY_TOO_MANY_STREAMS' });
});

test('a quota of a day comes back over the day', async () => {
  const { admit, clock } = build();
  for (let i = 0; i < 48; i++) {
    for (let j = 0; j < 60; j++) {
      const ticket = await admit().catch(() => null);
      ticket?.close(null);
    }
    clock.ms += 60_000;
  }
  for (let i = 0; i < 3; i++) (await admit().catch(() => null))?.close(null);
  const refused = admit();
  await expect(refused).rejects.toMatchObject({ code: 'ERR_GATEWAY_QUOTA', meta: { retryAfterSeconds: 36 } });
  clock.ms += 36_000;
  (await admit()).close(null);
});

test('a key gets half of what its account may, the rest stays for the person', async () => {
  const { admit, headers } = build();
  for (let i = 0; i < 30; i++) (await admit('0xa', 'one')).close(null);
  expect(headers.at(-1)?.['ratelimit-policy']).toContain('"requests";q=30;w=60');
  await expect(admit('0xa', 'one')).rejects.toMatchObject({ code: 'ERR_GATEWAY_RATE_LIMITED' });
  for (let i = 0; i < 30; i++) (await admit('0xa', i % 2 === 0 ? 'two' : null)).close(null);
  await expect(admit('0xa')).rejects.toMatchObject({ code: 'ERR_GATEWAY_RATE_LIMITED' });
});

test('trust grows with answers that came, is kept, and is spoilt by hammering', async () => {
  const disk = new MemoryStore();
  const { admit, limits, clock } = build(new TestClock(), disk);
  const answerOf = async (tokens: number) => {
    const ticket = await admit();
    ticket.used(tokens);
    ticket.close('good');
    clock.ms += 2_000;
  };
  for (let day = 0; day < 4; day++) {
    for (let i = 0; i < 10; i++) await answerOf(5);
    // Nothing came: nothing is said by it.
    for (let i = 0; i < 10; i++) await answerOf(0);
    clock.ms += 24 * 3_600_000;
  }
  expect(await limits.usage('0xa')).toMatchObject({ level: 'trusted', trust: { good: 40, bad: 0 } });
  const store = new LocalAuthStore(clock, disk);
  await store.open();
  const again = new Limits(store, clock);
  expect((await again.usage('0xa')).level).toBe('trusted');
  const tickets = [];
  for (let i = 0; i < 300; i++) {
    const ticket = await again.admit({ subject: '0xa', keyId: null, promptTokens: 0 }, () => {});
    ticket.close(null);
    tickets.push(ticket);
  }
  for (let i = 0; i < 2; i++)
    await expect(again.admit({ subject: '0xa', keyId: null, promptTokens: 0 }, () => {})).rejects.toThrow();
  expect(await again.usage('0xa')).toMatchObject({ level: 'newbie', trust: { good: 40, bad: 1 } });
});

test('guests are told apart by their address, of IPv6 by its network', () => {
  expect(limitSubject(GUEST, '192.0.2.1')).toBe('guest 192.0.2.1');
  expect(limitSubject(GUEST, '::ffff:192.0.2.1')).toBe('guest 192.0.2.1');
  expect(limitSubject(GUEST, '2001:db8:1:2:3::4')).toBe(limitSubject(GUEST, '2001:db8:1:2:9::9'));
  expect(limitSubject({ ...GUEST, kind: 'address', account: '0xa' }, '192.0.2.1')).toBe('0xa');
});

test('over HTTP: headers on every answer, 429 with retry-after, limits of the account, 400 costs nothing', async () => {
  const clock = new TestClock();
  const script = { tokens: tokensOf('A stream.') };
  const { url } = await startGateway(script, { clock, auth: 'required' });
  const browser = new Browser(url);
  await browser.signIn(new Wallet());
  const made = (await browser.fetch('POST', '/auth/keys', { name: 'x', scopes: ['inference', 'account'] })).body;
  const headers = { authorization: `Bearer ${made.key}`, 'content-type': 'application/json' };
  const ask = (body: object) => fetch(url + CHAT, { method: 'POST', headers, body: JSON.stringify(body) });
  expect((await ask({ model: 'golden' })).status).toBe(400);
  const streamed = await ask(chatBody({ stream: true }));
  expect(streamed.headers.get('x-ratelimit-remaining-requests')).toBe('29');
  expect(streamed.headers.get('access-control-expose-headers')).toContain('x-ratelimit-remaining-requests');
  expect(await eventsOf(streamed)).not.toHaveLength(0);
  for (let i = 1; i < 30; i++) expect((await ask(chatBody())).status).toBe(200);
  const refused = await ask(chatBody());
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
  expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect((await refused.json()).error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' });
  const limits = await browser.fetch('GET', '/auth/limits');
  expect(limits.body).toMatchObject({ isEnforced: true, level: 'newbie', trust: { good: 10, bad: 0 } });
  expect(limits.body.next).toEqual({ level: 'trusted', goodMissing: 25, goodPerDay: 10, goodToday: 10 });
  expect(limits.body.levels.map(({ level }: { level: string }) => level)).toEqual(['newbie', 'trusted', 'expert']);
  expect(limits.body.streams).toEqual({ limit: 4, open: 0 });
  expect(limits.body.rates[0]).toEqual({ name: 'requests', limit: 60, windowSeconds: 60, remaining: 30 });
});

test('on loopback nobody is limited unless the operator says so; then guests are, by their address', async () => {
  const free = await startGateway();
  for (let i = 0; i < 70; i++) expect((await free.post(CHAT, chatBody())).status).toBe(200);
  const { post } = await startGateway({}, { limits: true, clock: new TestClock() });
  for (let i = 0; i < 60; i++) expect((await post(CHAT, chatBody())).status).toBe(200);
  expect((await post(CHAT, chatBody())).status).toBe(429);
});

test('counting tokens is a request like the others, and uses up no tokens', async () => {
  const { post } = await startGateway({}, { limits: true, clock: new TestClock() });
  const { model, messages } = chatBody();
  const count = () => post('/v1/messages/count_tokens', { model, messages });
  const first = await count();
  expect(await first.json()).toEqual({ input_tokens: 35 });
  expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('59');
  expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('60000');
  for (let i = 1; i < 60; i++) expect((await count()).status).toBe(200);
  const refused = await count();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect((await post(CHAT, chatBody())).status).toBe(429);
});

test('behind proxies that the operator names guests are told apart by their own addresses, which they cannot make up', async () => {
  const ask = (post: Awaited<ReturnType<typeof startGateway>>['post'], forwarded: string) =>
    post(CHAT, chatBody(), { headers: { 'x-forwarded-for': forwarded } });
  const left = async (response: Promise<Response>) => (await response).headers.get('x-ratelimit-remaining-requests');
  const { post } = await startGateway({}, { limits: true, proxies: 1 });
  expect(await left(ask(post, '192.0.2.1'))).toBe('59');
  expect(await left(ask(post, '192.0.2.2'))).toBe('59');
  expect(await left(ask(post, '203.0.113.9, 192.0.2.1'))).toBe('58');
  const direct = await startGateway({}, { limits: true });
  expect(await left(ask(direct.post, '192.0.2.1'))).toBe('59');
  expect(await left(ask(direct.post, '192.0.2.2'))).toBe('58');
});
