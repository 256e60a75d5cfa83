import type { Clock, KeyValueStore } from '@blyan/interface';
import { authFull, byAge, decodeRecord, encodeRecord, GIVES_WAY, isExpired, MOST_RECORDS } from './auth-record.ts';
import type { AuthKind, AuthRecord, AuthStore } from './auth-store.ts';

/** An `AuthStore` of one process: all but challenges and devices also on disk where a store is given. */
export class LocalAuthStore implements AuthStore {
  readonly failure = null;
  readonly #clock: Clock;
  readonly #disk: KeyValueStore | null;
  readonly #most: Readonly<Record<AuthKind, number>>;
  readonly #kinds: Readonly<Record<AuthKind, Map<string, AuthRecord>>> = {
    challenge: new Map(),
    device: new Map(),
    session: new Map(),
    key: new Map(),
    trust: new Map(),
  };
  /** Ids by kind and account. */
  readonly #owned = new Map<string, Set<string>>();

  constructor(clock: Clock, disk: KeyValueStore | null, most: Readonly<Record<AuthKind, number>> = MOST_RECORDS) {
    this.#clock = clock;
    this.#disk = disk;
    this.#most = most;
  }

  /** Reads what the disk has; what has expired is removed from it, and so is what cannot be read. */
  async open(): Promise<void> {
    for (const kind of ['session', 'key', 'trust'] as const) {
      const gone: string[] = [];
      for await (const [key, value] of this.#disk?.entries({ from: `${kind}/`, to: `${kind}0` }) ?? []) {
        const record = decodeRecord(Buffer.from(value).toString('utf8'));
        if (record === null || this.#isExpired(record)) gone.push(key);
        else this.#add(kind, record);
      }
      await this.#disk?.write(
        gone.map((key) => ({ key, value: null })),
        { sync: false },
      );
    }
  }

  async close(): Promise<void> {}

  async put(kind: AuthKind, record: AuthRecord, isDurable: boolean): Promise<void> {
    const gone = this.#makeRoom(kind, record.id);
    this.#add(kind, record);
    try {
      for (const id of gone) await this.#write(kind, id, null, false);
      await this.#write(kind, record.id, Buffer.from(encodeRecord(record)), isDurable);
    } catch (error) {
      this.#remove(kind, record);
      throw error;
    }
  }

  async replace(kind: AuthKind, before: AuthRecord, after: AuthRecord): Promise<boolean> {
    // Before the first await: a key that was revoked meanwhile stays revoked.
    const there = this.#kinds[kind].get(before.id);
    if (there === undefined || this.#isExpired(there) || encodeRecord(there) !== encodeRecord(before)) return false;
    this.#add(kind, after);
    await this.#write(kind, after.id, Buffer.from(encodeRecord(after)), false);
    return true;
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
    return byAge(records.filter((one) => !this.#isExpired(one)));
  }

  async newest(kind: AuthKind, limit: number): Promise<readonly AuthRecord[]> {
    const records = [...this.#kinds[kind].values()].filter((one) => !this.#isExpired(one));
    return byAge(records).slice(-limit).reverse();
  }

  #isExpired(record: AuthRecord): boolean {
    return isExpired(record, this.#clock.nowMs());
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

  /** @returns what went, which the disk has still */
  #makeRoom(kind: AuthKind, id: string): readonly string[] {
    const records = this.#kinds[kind];
    const most = this.#most[kind];
    if (records.size < most || records.has(id)) return [];
    const gone = [...records.values()].filter((record) => this.#isExpired(record));
    if (gone.length === 0) {
      const [oldest] = GIVES_WAY.has(kind) ? records.values() : [];
      if (oldest === undefined) throw authFull(kind, most);
      gone.push(oldest);
    }
    for (const record of gone) this.#remove(kind, record);
    return gone.map((record) => record.id);
  }

  async #write(kind: AuthKind, id: string, value: Uint8Array | null, sync: boolean): Promise<void> {
    if (kind === 'challenge' || kind === 'device') return;
    await this.#disk?.write([{ key: `${kind}/${id}`, value }], { sync });
  }
}
