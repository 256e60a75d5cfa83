import type { CanonicalValue } from '@blyan/codec';

/** What the chain knows of an address. */
export interface Account {
  /** Base units (10^-18 BLY). */
  readonly balance: bigint;
  /** Of the author's next record. */
  readonly nonce: number;
}

/** An address that no record named yet. */
export const EMPTY_ACCOUNT: Account = { balance: 0n, nonce: 0 };

/** From the value of an `account/…` key. */
export function accountOf(value: CanonicalValue | undefined): Account {
  if (value === undefined) return EMPTY_ACCOUNT;
  const { balance, nonce } = value as { balance: number | bigint; nonce: number };
  return { balance: BigInt(balance), nonce };
}
