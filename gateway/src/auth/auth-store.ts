import type { GatewayError } from '../errors.ts';

/** What is kept: `challenge` and `device` for minutes, `session` for days, `key` until revoked, `trust` of an account. */
export type AuthKind = 'challenge' | 'device' | 'session' | 'key' | 'trust';

export interface AuthRecord {
  /** SHA-256 of the secret that names it, hex: whoever reads the store can use none of them. */
  readonly id: string;
  /** Whose it is; empty for nobody's yet. */
  readonly account: string;
  readonly createdAtMs: number;
  /** Null: it stays. */
  readonly expiresAtMs: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * What signing in has to remember: in memory for one gateway, elsewhere where several share it. What has expired is gone
 * for every method. Where it is shared, every method may throw GatewayError ERR_GATEWAY_AUTH_STORE.
 */
export interface AuthStore {
  /** @throws GatewayError ERR_GATEWAY_AUTH_STORE when it cannot be reached; what the disk refuses */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Why it cannot be used now, as far as is known without asking. */
  readonly failure: GatewayError | null;
  /**
   * Adds or replaces, or does neither when it fails. With `isDurable` it is on disk when this settles, if there is a disk; elsewhere
   * it is as durable as that is.
   * @throws GatewayError ERR_GATEWAY_AUTH_FULL when there are too many of the kind; what the disk refuses
   */
  put(kind: AuthKind, record: AuthRecord, isDurable: boolean): Promise<void>;
  /**
   * Replaces a record that is still as it was read: of any number of callers that read the same, one does. Not durable.
   * @returns whether it was; what was replaced, taken or has expired meanwhile stays as it is
   * @throws what the disk refuses; then it may be done or not
   */
  replace(kind: AuthKind, before: AuthRecord, after: AuthRecord): Promise<boolean>;
  get(kind: AuthKind, id: string): Promise<AuthRecord | null>;
  /** Gets and removes at once: of any number of callers one gets it. */
  take(kind: AuthKind, id: string): Promise<AuthRecord | null>;
  /** Those of an account, oldest first. */
  list(kind: AuthKind, account: string): Promise<readonly AuthRecord[]>;
  /** Of all accounts, the newest first, at most `limit`. */
  newest(kind: AuthKind, limit: number): Promise<readonly AuthRecord[]>;
}
