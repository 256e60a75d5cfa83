import type { Clock, Scope } from '@blyan/interface';
import { GatewayError } from '../errors.ts';
import type { AuthRecord, AuthStore } from './auth-store.ts';
import { newSecret, secretId } from './secret.ts';
import { PUBLIC_ID_DIGITS } from './sessions.ts';

/** What every key begins with, so that people and scanners of secrets know one. */
export const API_KEY_PREFIX = 'bly_sk_';
/** Of one account. */
const MAX_KEYS = 64;
/** Its use is written down no more often. */
const TOUCH_MS = 60_000;
const HINT_LENGTH = 4;

export interface ApiKey {
  /** Not a secret. */
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The last characters of the key, to tell it from others. */
  readonly hint: string;
  readonly createdAtMs: number;
  /** To the minute; null: never used. */
  readonly lastUsedAtMs: number | null;
  /** Null: it is good until it is revoked. */
  readonly expiresAtMs: number | null;
}

interface KeyData {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly hint: string;
  readonly lastUsedAtMs: number | null;
}

/** Keys of programs. The key is shown once; only its hash is kept. */
export class ApiKeys {
  readonly #store: AuthStore;
  readonly #clock: Clock;

  constructor(store: AuthStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * @param lifeMs how long it is good; null: until it is revoked
   * @returns the key, which nobody can be told again, and what is kept of it
   * @throws GatewayError ERR_GATEWAY_AUTH_FULL, ERR_GATEWAY_TOO_MANY_KEYS
   */
  async create(
    account: string,
    name: string,
    scopes: readonly Scope[],
    lifeMs: number | null,
  ): Promise<{ secret: string; key: ApiKey }> {
    if ((await this.#store.list('key', account)).length >= MAX_KEYS) {
      const message = `This account has ${MAX_KEYS} keys, which is the most: revoke one that is not used any more.`;
      throw new GatewayError('ERR_GATEWAY_TOO_MANY_KEYS', message, { kind: 'caller' });
    }
    const secret = API_KEY_PREFIX + newSecret();
    const data: KeyData = { name, scopes, hint: secret.slice(-HINT_LENGTH), lastUsedAtMs: null };
    const createdAtMs = this.#clock.nowMs();
    const expiresAtMs = lifeMs === null ? null : createdAtMs + lifeMs;
    const record: AuthRecord = { id: secretId(secret), account, createdAtMs, expiresAtMs, data: { ...data } };
    await this.#store.put('key', record, true);
    return { secret, key: keyOf(record) };
  }

  /** The key, which counts as used now; null when it is unknown, revoked or has expired. */
  async find(secret: string): Promise<ApiKey | null> {
    const record = await this.#store.get('key', secretId(secret));
    if (record === null) return null;
    const data = record.data as unknown as KeyData;
    const nowMs = this.#clock.nowMs();
    if (nowMs - (data.lastUsedAtMs ?? Number.NEGATIVE_INFINITY) < TOUCH_MS) return keyOf(record);
    const used: AuthRecord = { ...record, data: { ...data, lastUsedAtMs: nowMs } };
    // What is not kept of it is its use.
    await this.#store.replace('key', record, used).catch(() => {});
    return keyOf(used);
  }

  async list(account: string): Promise<readonly ApiKey[]> {
    return (await this.#store.list('key', account)).map(keyOf);
  }

  /** Of all accounts, the newest first. */
  async newest(limit: number): Promise<readonly ApiKey[]> {
    return (await this.#store.newest('key', limit)).map(keyOf);
  }

  /** @param id as listed @returns whether the account had it */
  async revoke(account: string, id: string): Promise<boolean> {
    const found = (await this.#store.list('key', account)).find((record) => keyOf(record).id === id);
    return found !== undefined && (await this.#store.take('key', found.id)) !== null;
  }
}

function keyOf({ id, account, createdAtMs, expiresAtMs, data }: AuthRecord): ApiKey {
  return { id: id.slice(0, PUBLIC_ID_DIGITS), account, createdAtMs, expiresAtMs, ...(data as unknown as KeyData) };
}
