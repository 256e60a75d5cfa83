/** Account that everything is charged to when nobody signed in. */
export const GUEST_ACCOUNT = 'guest';

/** What a key may be used for: `inference` computes answers, `account` reads the statement and usage of its account. */
export const SCOPES = ['inference', 'account'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who a request is from, as the gateway found out before any route ran. */
export interface Principal {
  /** `guest` nobody signed in, `address` a browser with a session, `key` a program with an API key. */
  readonly kind: 'guest' | 'address' | 'key';
  /** Whom the request is metered to: `guest`, or an Ethereum address as `0x` and 40 lower-case hex digits. */
  readonly account: string;
  /** Of the key; null for the other kinds. Not a secret. */
  readonly keyId: string | null;
  readonly scopes: readonly Scope[];
}

export const GUEST: Principal = Object.freeze({
  kind: 'guest',
  account: GUEST_ACCOUNT,
  keyId: null,
  scopes: SCOPES,
});
