import type { HashedRecord } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';

/** The records that wait for a block, as whoever builds and judges blocks sees them. Their signatures were checked. */
export interface RecordSource {
  /** Whether a record waits that could be the next of its author, as far as is known. */
  readonly hasReady: boolean;
  get(hash: Hash): HashedRecord | undefined;
  /**
   * The dearest first, the records of one author in the order of their nonces. After each record `nextNonce` is asked again:
   * unless it has become the record's successor, nothing more of that author comes.
   * @param nextNonce of the state that is being built
   */
  candidates(nextNonce: (author: string) => number): Iterable<HashedRecord>;
  /** A record that could not be applied: not a candidate until the head moves, when it is judged again. */
  park(hash: Hash, code: string): void;
}

/** What a pool asks of the state at the head. */
export interface HeadState {
  /** Zero and zero for an account that does not exist. */
  account(publicKey: string): { readonly balance: bigint; readonly nonce: number };
  /** What the record takes from its author if it is applied: its fee and what it transfers. */
  cost(record: HashedRecord): bigint;
  /**
   * Null if the head's state would take the record, were it the next of its author and had it the money; otherwise the code:
   * `final` when no later state will either (an unknown type, a body that breaks its schema, a fee below the least).
   */
  refusal(record: HashedRecord): { readonly code: string; readonly message?: string; readonly final: boolean } | null;
}
