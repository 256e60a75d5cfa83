import type { Clock, KeyValueStore } from '@blyan/interface';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import type { AuthKind, AuthRecord, AuthStore } from './auth-store.ts';

/** Most of each kind. Of some the oldest makes room, so that nobody is kept out by them. */
const MOST: Readonly<Record<AuthKind, number>> = {
  challenge: 20_000,
  device: 10_000,
  session: 100_000,
  key: 100_000,
  trust: 100_000,
};
const GIVES_WAY: ReadonlySet<AuthKind> = new Set(['challenge', 'device', 'trust']);

const stored = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  account: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number().nullable(),
  data: z.record(z.string(), z.unknown()),
});

/** An `AuthStore` of one process: all but challenges and devices also on disk where a store is given. */
export class LocalAuthStore implements AuthStore {
  readonly #clock: Clock;
  readonly #disk: KeyValueStore | null;
  readonly #kinds: Readonly<Record<AuthKind, Map<string, AuthRecord>>> = {
    challenge: new Map(),
    device: new Map(),
    session: new Map(),
    key: new Map(),
    trust: new Map(),
  };
  /** Ids by kind and account. */
  readonly #owned = new Map<string, Set<string>>();

  constructor(clock: Clock, disk: KeyValueStore | null) {
    this.#clock = clock;
    this.#disk = disk;
  }

  /** Reads what the disk has; what has expired is removed from it, and so is what cannot be read. */
  async load(): Promise<void> {
    for (const kind of ['session', 'key', 'trust'] as const) {
      const gone: string[] = [];
      for await (const [key, value] of this.#disk?.entries({ from: `${kind}/`, to: `${kind}0` }) ?? []) {
        const record = decodeRecord(value);
        if (record === null || this.#isExpired(record)) gone.push(key);
        else this.#add(kind, record);
      }
      await this.#disk?.write(
        gone.map((key) => ({ key, value: null })),
        { sync: false },
      );
    }
  }

  async put(kind: AuthKind, record: AuthRecord, isDurable: boolean): Promise<void> {
    this.#makeRoom(kind, record.id);
    this.#add(kind, record);
    try {
      await this.#write(kind, record.id, bytesOf(record), isDurable);
    } catch (error) {
      this.#remove(kind, record);
      throw error;
    }
  }

  async replace(kind: AuthKind, record: AuthRecord): Promise<void> {
    // Before the first await: a key that was revoked meanwhile stays revoked.
    if (!this.#kinds[kind].has(record.id)) return;
    this.#add(kind, record);
    await this.#write(kind, record.id, bytesOf(record), false).catch(() => {});
  }

  async get(kind: AuthKind, id: string): Promise<AuthRecord | null> {
    const record = this.#kinds[kind].get(id);
    return record === undefined || this.#isExpired(record) ? null : record;
  }

  async take(kind: AuthKind, id: string): Promise<AuthRecord | null> {
    const record = this.#kinds[kind].get(id);
    if (record === undefined) return null;
    // Before the first await: this is what makes it happen once.
    this.#remove(kind, record);
    await this.#write(kind, id, null, true);
    return this.#isExpired(record) ? null : record;
  }

  async list(kind: AuthKind, account: string): Promise<readonly AuthRecord[]> {
    const ids = this.#owned.get(`${kind} ${account}`) ?? [];
    const records = [...ids].flatMap((id) => this.#kinds[kind].get(id) ?? []);
    return records.filter((one) => !this.#isExpired(one)).sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  #isExpired({ expiresAtMs }: AuthRecord): boolean {
    return expiresAtMs !== null && expiresAtMs <= this.#clock.nowMs();
  }

  #add(kind: AuthKind, record: AuthRecord): void {
    this.#kinds[kind].set(record.id, record);
    if (record.account === '') return;
    const owner = `${kind} ${record.account}`;
    const ids = this.#owned.get(owner) ?? new Set();
    this.#owned.set(owner, ids.add(record.id));
  }

  #remove(kind: AuthKind, record: AuthRecord): void {
    this.#kinds[kind].delete(record.id);
    const owner = `${kind} ${record.account}`;
    const ids = this.#owned.get(owner);
    ids?.delete(record.id);
    if (ids?.size === 0) this.#owned.delete(owner);
  }

  #makeRoom(kind: AuthKind, id: string): void {
    const records = this.#kinds[kind];
    if (records.size < MOST[kind] || records.has(id)) return;
    for (const record of records.values()) if (this.#isExpired(record)) this.#remove(kind, record);
    const [oldest] = records.values();
    if (records.size < MOST[kind] || oldest === undefined) return;
    if (!GIVES_WAY.has(kind)) throw full(kind);
    this.#remove(kind, oldest);
  }

  async #write(kind: AuthKind, id: string, value: Uint8Array | null, sync: boolean): Promise<void> {
    if (kind === 'challenge' || kind === 'device') return;
    await this.#disk?.write([{ key: `${kind}/${id}`, value }], { sync });
  }
}

function bytesOf(record: AuthRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

function full(kind: AuthKind): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_AUTH_FULL',
    `This gateway keeps ${MOST[kind]} ${kind}s already and takes no more: ask its operator, or another gateway.`,
  );
}

/** Null for bytes that are no record. */
export function decodeRecord(bytes: Uint8Array): AuthRecord | null {
  try {
    return stored.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
