import type { Clock } from '@blyan/interface';
import type { AuthRecord, AuthStore } from './auth-store.ts';
import { newSecret, secretId } from './secret.ts';

/** A session ends when it was not used for so long, and after so long whatever was done with it. */
export const SESSION_IDLE_MS = 24 * 60 * 60_000;
export const SESSION_MS = 7 * 24 * 60 * 60_000;
/** Of one account; the oldest makes room. */
const MAX_SESSIONS = 32;
/** Its use is written down no more often. */
const TOUCH_MS = 60_000;
/** Digits of the id by which a session or a key is listed and revoked. */
export const PUBLIC_ID_DIGITS = 16;

export interface Session {
  readonly id: string;
  readonly account: string;
  /** As the browser called itself when it signed in; null for a program. */
  readonly device: string | null;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number;
  /** When it ends if it is not used. */
  readonly expiresAtMs: number;
}

/** Who is signed in. The cookie's value is the secret; only its hash is kept. */
export class Sessions {
  readonly #store: AuthStore;
  readonly #clock: Clock;

  constructor(store: AuthStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Begins a session under a secret that nobody had before. */
  async begin(account: string, device: string | null): Promise<{ readonly secret: string; readonly session: Session }> {
    const others = await this.#store.list('session', account);
    for (const { id } of others.slice(0, Math.max(0, others.length + 1 - MAX_SESSIONS)))
      await this.#store.take('session', id);
    const secret = newSecret();
    const record = this.#used({ id: secretId(secret), account, createdAtMs: this.#clock.nowMs(), data: { device } });
    // A session that a power cut takes costs signing in again; one that was ended stays ended.
    await this.#store.put('session', record, false);
    return { secret, session: sessionOf(record) };
  }

  /** The session of a cookie, which counts as used now; null when there is none. */
  async find(secret: string | undefined): Promise<Session | null> {
    if (secret === undefined) return null;
    const record = await this.#store.get('session', secretId(secret));
    if (record === null) return null;
    if (this.#clock.nowMs() - lastUse(record) < TOUCH_MS) return sessionOf(record);
    const used = this.#used(record);
    // What is not kept of it is its use.
    await this.#store.replace('session', record, used).catch(() => {});
    return sessionOf(used);
  }

  async end(secret: string | undefined): Promise<void> {
    if (secret !== undefined) await this.#store.take('session', secretId(secret));
  }

  async list(account: string): Promise<readonly Session[]> {
    return (await this.#store.list('session', account)).map(sessionOf);
  }

  /** Ends sessions of an account. @returns how many */
  async revoke(account: string, which: (session: Session) => boolean): Promise<number> {
    const found = (await this.#store.list('session', account)).filter((record) => which(sessionOf(record)));
    for (const { id } of found) await this.#store.take('session', id);
    return found.length;
  }

  #used(record: Omit<AuthRecord, 'expiresAtMs'>): AuthRecord {
    const nowMs = this.#clock.nowMs();
    const expiresAtMs = Math.min(nowMs + SESSION_IDLE_MS, record.createdAtMs + SESSION_MS);
    return { ...record, expiresAtMs, data: { ...record.data, lastUsedAtMs: nowMs } };
  }
}

function sessionOf(record: AuthRecord): Session {
  const { id, account, createdAtMs, expiresAtMs, data } = record;
  const device = typeof data.device === 'string' ? data.device : null;
  const ends = expiresAtMs ?? createdAtMs + SESSION_MS;
  const publicId = id.slice(0, PUBLIC_ID_DIGITS);
  return { id: publicId, account, device, createdAtMs, lastUsedAtMs: lastUse(record), expiresAtMs: ends };
}

function lastUse({ data, createdAtMs }: AuthRecord): number {
  return typeof data.lastUsedAtMs === 'number' ? data.lastUsedAtMs : createdAtMs;
}
