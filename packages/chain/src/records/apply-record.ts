import type { HashedRecord, RecordFields } from '@blyan/chain-format';
import type { StateView, WritableState } from '../state/state-draft.ts';
import { recordKey } from '../state/state-keys.ts';
import type { Refusal } from './record-errors.ts';
import type { RecordRegistry, TypedRecord } from './record-registry.ts';
import type { BlockContext } from './record-type.ts';

export interface ExecutionContext extends BlockContext {
  readonly registry: RecordRegistry;
}

/**
 * Applies a signed record of this network: takes nonce and fee from its author and makes the change of its type. What is refused
 * changed nothing. The fee is the caller's to hand on.
 */
export function applyRecord(
  draft: WritableState,
  { record, hash }: HashedRecord,
  context: ExecutionContext,
): Refusal | null {
  const typed = context.registry.read(record);
  if ('code' in typed) return typed;
  const refusal =
    nonceRefusal(draft, record) ?? fundsRefusal(draft, record, typed) ?? typedRefusal(draft, record, typed);
  if (refusal !== null) return refusal;
  const { balance, nonce } = draft.account(record.author);
  draft.putAccount(record.author, { balance: balance - record.fee, nonce: nonce + 1 });
  typed.type.apply(draft, record, typed.body, context);
  if (canBeDependedOn(record)) draft.put(recordKey(hash), context.height);
  return null;
}

/** Why a state does not take a record, were it the next of its author and had it the money. */
export function standingRefusal(state: StateView, { record }: HashedRecord, registry: RecordRegistry): Refusal | null {
  const typed = registry.read(record);
  return 'code' in typed ? typed : typedRefusal(state, record, typed);
}

/** What the record takes from its author if it is applied; its fee alone when the body cannot be read. */
export function recordCost({ record }: HashedRecord, registry: RecordRegistry): bigint {
  const typed = registry.read(record);
  return 'code' in typed ? record.fee : record.fee + typed.type.spends(typed.body);
}

function typedRefusal(state: StateView, record: RecordFields, typed: TypedRecord): Refusal | null {
  return (
    feeRefusal(state, record, typed) ?? dependencyRefusal(state, record) ?? typed.type.check(state, record, typed.body)
  );
}

/**
 * What others may depend on has to be known for ever, also to nodes that have pruned it or began from a snapshot: it is in the
 * state. Ledger records would be most of it, and nonces order them.
 */
function canBeDependedOn({ lane }: RecordFields): boolean {
  return lane !== 'C';
}

function nonceRefusal(state: StateView, { author, nonce }: RecordFields): Refusal | null {
  const next = state.account(author).nonce;
  if (nonce === next) return null;
  const meta = { nonce, next };
  if (nonce < next) {
    const message = `The author's next nonce is ${next}: a record of nonce ${nonce} is on the chain already.`;
    return { code: 'ERR_RECORD_NONCE_STALE', message, final: true, meta };
  }
  const message = `The author's next nonce is ${next}: records before nonce ${nonce} are missing.`;
  return { code: 'ERR_RECORD_NONCE_FUTURE', message, final: false, meta };
}

function feeRefusal(state: StateView, { fee }: RecordFields, { type, body }: TypedRecord): Refusal | null {
  const least = type.leastFee(body, state);
  if (fee >= least) return null;
  const message = `The fee is ${fee} base units; this record needs at least ${least}.`;
  return { code: 'ERR_RECORD_FEE', message, final: true, meta: { least: String(least) } };
}

function fundsRefusal(state: StateView, { author, fee }: RecordFields, { type, body }: TypedRecord): Refusal | null {
  const { balance } = state.account(author);
  const cost = fee + type.spends(body);
  if (balance >= cost) return null;
  const message = `The account holds ${balance} base units; the record takes ${cost}.`;
  return { code: 'ERR_RECORD_FUNDS', message, final: false, meta: { balance: String(balance), cost: String(cost) } };
}

function dependencyRefusal(state: StateView, { dependsOn }: RecordFields): Refusal | null {
  const missing = dependsOn.find((hash) => state.get(recordKey(hash)) === undefined);
  if (missing === undefined) return null;
  const message = `The record depends on ${missing}, which is not on the chain, or in lane C, whose records have nonces for that.`;
  return { code: 'ERR_RECORD_DEPENDENCY', message, final: false, meta: { missing } };
}
