import type { HashedRecord } from '@blyan/chain-format';
import type { AppError } from '@blyan/interface';

/** What to do with a record somebody sent, and with whom. */
export type RecordVerdict =
  /** It waits now; pass it on. */
  | { readonly verdict: 'accept'; readonly record: HashedRecord }
  /** Of no use here, now; an honest sender may not know. */
  | { readonly verdict: 'ignore'; readonly error: AppError }
  /** No honest node sends it. */
  | { readonly verdict: 'reject'; readonly error: AppError };
