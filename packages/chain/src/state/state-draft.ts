import { MAX_STATE_VALUE_BYTES } from '@blyan/chain-format';
import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec';
import { type Account, accountOf } from './accounts.ts';
import { accountKey } from './state-keys.ts';
import { StateOverlay } from './state-overlay.ts';
import type { StateReader } from './state-reader.ts';

/** A state that records are applied to. Values are plain and never changed in place. */
export interface StateView {
  /** Undefined where the state has no such key. */
  get(key: string): CanonicalValue | undefined;
  account(address: string): Account;
}

export interface WritableState extends StateView {
  /** Undefined removes the key. */
  put(key: string, value: CanonicalValue | undefined): void;
  putAccount(address: string, account: Account): void;
}

/** Changes on top of a state, kept as values: they are encoded once, however often a key changes. */
export class StateDraft implements WritableState {
  readonly #below: StateReader;
  /** What was read or put; undefined for no such key. */
  readonly #known = new Map<string, CanonicalValue | undefined>();
  readonly #changed = new Set<string>();

  constructor(below: StateReader) {
    this.#below = below;
  }

  /** Keys that were put. */
  get changedKeys(): number {
    return this.#changed.size;
  }

  /** Keys that were read or put: they are in memory. */
  get knownKeys(): number {
    return this.#known.size;
  }

  get(key: string): CanonicalValue | undefined {
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known;
    const bytes = this.#below.get(key);
    const value = bytes === undefined ? undefined : decodeCanonical(bytes, { maxBytes: MAX_STATE_VALUE_BYTES });
    this.#known.set(key, value);
    return value;
  }

  account(address: string): Account {
    return accountOf(this.get(accountKey(address)));
  }

  put(key: string, value: CanonicalValue | undefined): void {
    this.#known.set(key, value);
    this.#changed.add(key);
  }

  putAccount(address: string, { balance, nonce }: Account): void {
    this.put(accountKey(address), { balance, nonce });
  }

  /** The state with the changes made, and its root. */
  seal(): StateOverlay {
    const values = new Map<string, Uint8Array | null>();
    for (const key of this.#changed) {
      const value = this.#known.get(key);
      values.set(key, value === undefined ? null : encodeCanonical(value));
    }
    return new StateOverlay(this.#below, values);
  }
}
