import { AppError, type ErrorMeta } from '@blyan/interface';

export type RecordErrorCode =
  /** No record type of this lane, name and version is known here. */
  | 'ERR_RECORD_TYPE'
  /** The body is not what its type asks for; the sentence names the fields. */
  | 'ERR_RECORD_BODY'
  /** The fee is below the least for this record. */
  | 'ERR_RECORD_FEE'
  /** The author's account does not hold fee and amount. */
  | 'ERR_RECORD_FUNDS'
  /** The author's record of this nonce is on the chain already: this one is late, or the same again. */
  | 'ERR_RECORD_NONCE_STALE'
  /** Records of the author with lower nonces are missing. */
  | 'ERR_RECORD_NONCE_FUTURE'
  /** A record it depends on is not on the chain, or in lane C. */
  | 'ERR_RECORD_DEPENDENCY'
  /** Only the owner of a model publishes for it. */
  | 'ERR_RECORD_OWNER'
  /** A model's version must rise. */
  | 'ERR_RECORD_VERSION'
  /** There is no such model or expert. */
  | 'ERR_RECORD_UNKNOWN'
  /** The expert was changed since: its base is another. */
  | 'ERR_RECORD_BASE';

/** Why a state does not take a record. */
export interface Refusal {
  readonly code: RecordErrorCode;
  readonly message: string;
  /** No later state will take it either. */
  readonly final: boolean;
  readonly meta?: ErrorMeta;
}

/** A record that was handed in and cannot be applied. */
export class RecordError extends AppError<RecordErrorCode> {
  constructor({ code, message, meta = {} }: Refusal) {
    super(code, message, { kind: 'caller', meta });
  }
}
