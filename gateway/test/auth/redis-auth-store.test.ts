import { type AddressInfo, connect, createServer } from 'node:net';
import { type Logger, silentLogger } from '@blyan/interface';
import { hasRedis, type RedisServer, startRedis } from '@blyan/testkit/services';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RedisAuthStore } from '../../src/auth/redis-auth-store.ts';
import { Limits } from '../../src/limits/limits.ts';
import { startGateway } from '../harness.ts';
import { describeAuthStore, record } from './auth-store-compliance.ts';
import { Browser, TestClock } from './browser.ts';
import { Wallet } from './wallet.ts';

/** Tells when a store said that Redis is away, and that it is back. */
class StoreLog {
  readonly away = Promise.withResolvers<void>();
  readonly back = Promise.withResolvers<void>();
  readonly logger: Logger = {
    ...silentLogger,
    warn: (message) => message === 'the auth store is away' && this.away.resolve(),
    info: (message) => message === 'the auth store is back' && this.back.resolve(),
  };
}

it('gives up on a Redis that takes the connection and says nothing', async () => {
  const mute = createServer();
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void mute.close());
  const url = `redis://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  const store = new RedisAuthStore({ url, silenceMs: 50 }, { clock: new TestClock(), logger: silentLogger });
  await expect(store.open()).rejects.toMatchObject({ code: 'ERR_GATEWAY_AUTH_STORE' });
});

describe.skipIf(!hasRedis)('in Redis', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  async function command(...words: string[]): Promise<unknown> {
    const client = createClient({ url: server.url });
    await client.connect();
    return await client.sendCommand(words).finally(() => client.destroy());
  }

  async function openStore(url = server.url, logger: Logger = silentLogger) {
    const store = new RedisAuthStore({ url }, { clock: new TestClock(), logger });
    await store.open();
    onTestFinished(() => store.close());
    return store;
  }

  describeAuthStore('RedisAuthStore', true, async () => {
    await command('FLUSHALL');
    return async (clock, most) => {
      const store = new RedisAuthStore({ url: server.url, most }, { clock, logger: silentLogger });
      await store.open();
      return store;
    };
  });

  it('leaves nothing behind of what has expired', async () => {
    await command('FLUSHALL');
    const clock = new TestClock();
    const store = new RedisAuthStore({ url: server.url }, { clock, logger: silentLogger });
    await store.open();
    for (const kind of ['session', 'challenge'] as const)
      for (const n of [1, 2]) await store.put(kind, record(n, { account: `0x${n}`, expiresAtMs: clock.ms + 1 }), false);
    await store.put('session', record(3, { expiresAtMs: clock.ms + 3_600_000 }), false);
    await store.take('session', record(3).id);
    clock.ms += 1;
    for (const kind of ['session', 'challenge'] as const) {
      await store.put(kind, record(4), false);
      await store.take(kind, record(4).id);
    }
    expect(await command('KEYS', '*')).toEqual([]);
    await store.close();
  });

  it('fails at once while Redis is away, and goes on with what was there', async () => {
    const [storeLog, gatewayLog] = [new StoreLog(), new StoreLog()];
    const store = await openStore(server.url, storeLog.logger);
    const { url } = await startGateway({}, { authStore: server.url, logger: gatewayLog.logger });
    const statusOf = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).status;
    await store.put('key', record(7), true);
    expect(await statusOf('/readyz/accounts')).toBe(200);
    await server.stop();
    expect(await statusOf('/readyz/accounts')).toBe(503);
    expect(await statusOf('/auth/keys', { headers: { authorization: 'Bearer bly_sk_x' } })).toBe(503);
    await expect(store.get('key', record(7).id)).rejects.toMatchObject({ code: 'ERR_GATEWAY_AUTH_STORE' });
    const used = record(7, { data: { used: true } });
    await expect(store.replace('key', record(7), used)).rejects.toMatchObject({ code: 'ERR_GATEWAY_AUTH_STORE' });
    await server.start();
    await Promise.all([storeLog, gatewayLog].flatMap(({ away, back }) => [away.promise, back.promise]));
    expect(await store.get('key', record(7).id)).toEqual(record(7));
    expect(await statusOf('/auth/keys', { headers: { authorization: 'Bearer bly_sk_x' } })).toBe(401);
  });

  it('makes a connection anew that answers nothing any more', async () => {
    let isMute = false;
    const { hostname, port } = new URL(server.url);
    const way = createServer((near) => {
      const far = connect(Number(port), hostname);
      // Only connections from before are mute.
      const isOld = !isMute;
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (bytes) => (isOld && isMute ? undefined : to.write(bytes)));
        from.on('error', () => {}).on('close', () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void way.close());
    const url = new URL(server.url);
    url.port = String((way.address() as AddressInfo).port);
    const log = new StoreLog();
    const store = await openStore(url.href, log.logger);
    await store.put('key', record(9), true);
    isMute = true;
    await expect(store.get('key', record(9).id)).rejects.toMatchObject({ code: 'ERR_GATEWAY_AUTH_STORE' });
    await Promise.all([log.away.promise, log.back.promise]);
    expect(await store.get('key', record(9).id)).toEqual(record(9));
    expect(store.failure).toBeNull();
  });

  it('costs nothing but trust when it goes away while an answer is given', async () => {
    const store = await openStore();
    const limits = new Limits(store, new TestClock());
    const ticket = await limits.admit({ subject: '0xa', keyId: null, promptTokens: 1 }, () => {});
    await store.close();
    ticket.used(1);
    // An error that nobody catches fails the run.
    ticket.close('good');
    await expect(limits.usage('0xa')).rejects.toMatchObject({ code: 'ERR_GATEWAY_AUTH_STORE' });
  });

  it('takes TLS from a server whose certificate it can verify, and its password', async () => {
    const store = await openStore(`${server.tlsUrl}?cacert=${server.caPath}`);
    await store.put('key', record(8), true);
    expect(await store.get('key', record(8).id)).toEqual(record(8));
    const refused = { code: 'ERR_GATEWAY_AUTH_STORE' };
    await expect(openStore(server.tlsUrl)).rejects.toMatchObject(refused);
    await expect(openStore(server.url.replace(server.password, 'wrong'))).rejects.toMatchObject(refused);
  });

  it('signs in at one gateway and is signed in at another; a challenge is good at one of them', async () => {
    const origin = 'http://127.0.0.1:4700';
    const [one, two] = await Promise.all(
      [1, 2].map(async () => (await startGateway({}, { authStore: server.url, origin })).url),
    );
    const [first, second] = [new Browser(one as string, origin), new Browser(two as string, origin)];
    const wallet = new Wallet();
    const { message } = await first.challenge(wallet);
    for (const [name, value] of first.cookies) second.cookies.set(name, value);
    const signature = wallet.sign(message);
    const verified = await Promise.all([first.verify(message, signature), second.verify(message, signature)]);
    expect(verified.map(({ status }) => status).sort()).toEqual([200, 401]);
    const winner = verified[0]?.status === 200 ? first : second;
    const other = winner === first ? second : first;
    for (const [name, value] of winner.cookies) other.cookies.set(name, value);
    expect((await other.fetch('GET', '/auth/session')).body.address).toBe(wallet.account);
    const made = await winner.fetch('POST', '/auth/keys', { name: 'laptop', scopes: ['inference'] });
    expect((await other.fetch('GET', '/auth/keys')).body.data).toMatchObject([{ name: 'laptop', id: made.body.id }]);
    await other.fetch('POST', '/auth/logout');
    expect((await winner.fetch('GET', '/auth/keys')).status).toBe(401);
  });
});
