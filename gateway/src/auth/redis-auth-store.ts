import { readFile } from 'node:fs/promises';
import type { Clock, Logger } from '@blyan/interface';
import type { createClient } from '@redis/client';
import { GatewayError } from '../errors.ts';
import { isLoopbackHost } from '../loopback.ts';
import { authFull, byAge, decodeRecord, encodeRecord, GIVES_WAY, isExpired, MOST_RECORDS } from './auth-record.ts';
import type { AuthKind, AuthRecord, AuthStore } from './auth-store.ts';
import { PUT, REPLACE, TAKE } from './redis-auth-scripts.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_MS = 6_000;
/** A request of the gateway waits for no longer. */
const ANSWER_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_MS = 2_000;
const MAX_WAITING = 10_000;
const TAG = '{blyan-auth}';

type Client = ReturnType<typeof createClient>;

export interface RedisAuthStoreOptions {
  /** `redis://` or, over TLS, `rediss://[user]:password@host[:port][/database]`; `?cacert=FILE` for an authority of one's own. */
  readonly url: string;
  /** Most of each kind. */
  readonly most?: Readonly<Record<AuthKind, number>>;
  /** Longest that Redis may say nothing, milliseconds; it is asked three times in it. 6000 by default. */
  readonly silenceMs?: number;
}

export interface RedisAuthStoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * An `AuthStore` in Redis 6.2 or newer, for any number of gateways. What must happen once happens in one script, so that of all
 * gateways one gets a challenge. As durable as that Redis is (`appendonly`). While it is away every method fails at once with
 * ERR_GATEWAY_AUTH_STORE, and the connection is made again in the background.
 */
export class RedisAuthStore implements AuthStore {
  readonly #url: string;
  readonly #most: Readonly<Record<AuthKind, number>>;
  readonly #silenceMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #client: Client | null = null;

  constructor(
    { url, most = MOST_RECORDS, silenceMs = SILENCE_MS }: RedisAuthStoreOptions,
    { clock, logger }: RedisAuthStoreDeps,
  ) {
    this.#url = url;
    this.#most = most;
    this.#silenceMs = silenceMs;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @throws GatewayError ERR_GATEWAY_AUTH_STORE when it cannot be reached, refuses the password, or its certificate is not good */
  async open(): Promise<void> {
    const url = new URL(this.#url);
    const caPath = url.searchParams.get('cacert');
    url.search = '';
    // Gateways that need none start in less time without the client.
    const { createClient } = await import('@redis/client');
    let wasReady = false;
    let isAway = false;
    const client: Client = createClient({
      url: url.href,
      name: 'blyan-gateway',
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_WAITING,
      pingInterval: this.#silenceMs / 3,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        // Also of one that takes the connection and does not greet: connecting would wait for it for ever.
        socketTimeout: this.#silenceMs,
        reconnectStrategy: (retries, cause) => (wasReady ? Math.min(50 * 2 ** retries, MAX_RECONNECT_MS) : cause),
        ...(caPath === null ? {} : { tls: true, ca: await readFile(caPath) }),
      },
    });
    client.on('ready', () => {
      if (isAway) this.#logger.info('the auth store is back');
      [wasReady, isAway] = [true, false];
    });
    client.on('error', (error: Error) => {
      if (wasReady && !isAway) this.#logger.warn('the auth store is away', { reason: error.message });
      isAway = true;
    });
    try {
      await client.connect();
    } catch (cause) {
      throw unreachable(cause);
    }
    this.#client = client;
    await this.#look(client, url);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    client?.destroy();
  }

  get failure(): GatewayError | null {
    return this.#client?.isReady ? null : unreachable();
  }

  async put(kind: AuthKind, record: AuthRecord, _isDurable: boolean): Promise<void> {
    const most = this.#most[kind];
    const more = [String(most), GIVES_WAY.has(kind) ? '1' : '0'];
    const isKept = await this.#run(PUT, kind, record.id, [...this.#valuesOf(record), ...more]);
    if (isKept === 0) throw authFull(kind, most);
  }

  async replace(kind: AuthKind, before: AuthRecord, after: AuthRecord): Promise<boolean> {
    const values = [...this.#valuesOf(after), encodeRecord(before)];
    return (await this.#run(REPLACE, kind, before.id, values)) === 1;
  }

  async get(kind: AuthKind, id: string): Promise<AuthRecord | null> {
    const text = await this.#ask((client) => client.get(recordKey(kind, id)));
    return this.#alive(text);
  }

  async take(kind: AuthKind, id: string): Promise<AuthRecord | null> {
    const text = await this.#run(TAKE, kind, id, []);
    return this.#alive(typeof text === 'string' ? text : null);
  }

  async list(kind: AuthKind, account: string): Promise<readonly AuthRecord[]> {
    const owned = `${ownedPrefix(kind)}${account}`;
    const ids = account === '' ? [] : await this.#ask((client) => client.zRange(owned, 0, -1));
    if (ids.length === 0) return [];
    const texts = await this.#ask((client) => client.mGet(ids.map((id) => recordKey(kind, id))));
    const gone = ids.filter((_, at) => texts[at] === null);
    if (gone.length > 0) await this.#ask((client) => client.zRem(owned, gone));
    return byAge(texts.flatMap((text) => this.#alive(text) ?? []));
  }

  async newest(kind: AuthKind, limit: number): Promise<readonly AuthRecord[]> {
    const ids = await this.#ask((client) => client.zRange(bornKey(kind), 0, limit - 1, { REV: true }));
    if (ids.length === 0) return [];
    const texts = await this.#ask((client) => client.mGet(ids.map((id) => recordKey(kind, id))));
    return texts.flatMap((text) => this.#alive(text) ?? []);
  }

  #alive(text: string | null): AuthRecord | null {
    const record = text === null ? null : decodeRecord(text);
    return record === null || isExpired(record, this.#clock.nowMs()) ? null : record;
  }

  #valuesOf(record: AuthRecord): string[] {
    const { id, account, createdAtMs, expiresAtMs } = record;
    const nowMs = this.#clock.nowMs();
    const lifeMs = expiresAtMs === null ? '' : String(Math.max(1, Math.ceil(expiresAtMs - nowMs)));
    const times = [lifeMs, String(expiresAtMs ?? ''), account, String(createdAtMs), String(nowMs)];
    return [id, encodeRecord(record), ...times];
  }

  #run(script: string, kind: AuthKind, id: string, values: readonly string[]): Promise<unknown> {
    const keys = [recordKey(kind, id), bornKey(kind), `${TAG}:${kind}s:ends`];
    const given = values.length === 0 ? [id] : values;
    const args = [recordKey(kind, ''), ownedPrefix(kind), ...given];
    return this.#ask((client) => client.eval(script, { keys, arguments: args }));
  }

  async #ask<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = this.#client;
    if (client === null) throw unreachable();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new Error('no answer in time');
      late.reject(error);
      this.#renew(client, error);
    }, ANSWER_TIMEOUT_MS);
    try {
      return await Promise.race([work(client), late.promise]);
    } catch (cause) {
      // What Redis itself refuses (no memory, no disk) is for the operator; the connection tells of itself.
      if (client.isReady) this.#logger.warn('the auth store refuses', { reason: (cause as Error).message });
      throw unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection that answers nothing may be to nobody, which the system finds out after a quarter of an hour. */
  #renew(client: Client, error: Error): void {
    if (client !== this.#client || !client.isReady) return;
    client.emit('error', error);
    client.destroy();
    // It is tried until it is there, or the store is closed.
    client.connect().catch(() => {});
  }

  /** Says what an operator should know of a Redis that would lose sessions or keys. */
  async #look(client: Client, url: URL): Promise<void> {
    if (url.protocol === 'redis:' && !isLoopbackHost(url.hostname))
      this.#logger.warn('the way to the auth store is not encrypted: use rediss://');
    // Who may not ask is not told.
    const told = await client.info().catch(() => '');
    if (/^aof_enabled:0/m.test(told))
      this.#logger.warn('Redis has appendonly off: sessions and API keys of the last minutes are lost when it stops');
    const policy = /^maxmemory_policy:(\S+)/m.exec(told)?.[1];
    if (policy !== undefined && policy !== 'noeviction')
      this.#logger.warn('Redis may evict sessions and API keys: set maxmemory-policy noeviction', { policy });
  }
}

function recordKey(kind: AuthKind, id: string): string {
  return `${TAG}:${kind}:${id}`;
}

function bornKey(kind: AuthKind): string {
  return `${TAG}:${kind}s:born`;
}

function ownedPrefix(kind: AuthKind): string {
  return `${TAG}:${kind}s:of:`;
}

function unreachable(cause?: unknown): GatewayError {
  const message = 'The store of sessions and keys cannot be used now: ask again in a moment.';
  return new GatewayError('ERR_GATEWAY_AUTH_STORE', message, { cause });
}
