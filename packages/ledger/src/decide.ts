import type { LedgerBalance, LedgerEntry } from '@blyan/interface';
import { type BatchChange, BatchState, type BatchView, type LedgerOutcome } from './batch-state.ts';
import { keyOf, type LedgerCommand, MAX_AMOUNT, requestHashOf } from './command.ts';
import { entryHash, mayOverdraw } from './entry.ts';
import { LedgerError, type LedgerErrorCode, refusalOf } from './errors.ts';

/** Commands that one transaction takes at most. */
export const MAX_BATCH = 1024;

type Draft = Omit<LedgerEntry, 'seq' | 'timeMs' | 'hash'>;
type Of<Type extends LedgerCommand['type']> = Extract<LedgerCommand, { type: Type }>;

/**
 * What each command does, in their order: the rules of the ledger, a function of what was loaded and of the time alone. A
 * command that is refused changes nothing, and those behind it are decided as if it had not been there.
 */
export function decideBatch(
  view: BatchView,
  commands: readonly LedgerCommand[],
  nowMs: number,
): { outcomes: LedgerOutcome[]; change: BatchChange } {
  const state = new BatchState(view);
  const outcomes = commands.map((command): LedgerOutcome => {
    try {
      return { ok: true, entry: decide(state, command, nowMs) };
    } catch (error) {
      if (error instanceof LedgerError) return { ok: false, refusal: refusalOf(error) };
      throw error;
    }
  });
  return { outcomes, change: state.change() };
}

function decide(state: BatchState, command: LedgerCommand, nowMs: number): LedgerEntry {
  const key = keyOf(command);
  const requestHash = requestHashOf(command);
  const done = state.entry(key);
  if (done !== undefined) {
    if (done.requestHash === requestHash) return done;
    refuse('ERR_LEDGER_CONFLICT', `The key ${key} was used for another request: take a new key for a new request.`);
  }
  const draft = apply(state, command, { key, requestHash }, nowMs);
  const { seq, hash, timeMs } = state.head;
  const entry = { ...draft, seq: seq + 1, timeMs: Math.max(timeMs, nowMs) };
  const hashed = { ...entry, hash: entryHash(hash, entry) };
  state.append(hashed);
  return hashed;
}

function apply(
  state: BatchState,
  command: LedgerCommand,
  head: Pick<Draft, 'key' | 'requestHash'>,
  nowMs: number,
): Draft {
  switch (command.type) {
    case 'account':
      return openAccount(state, command, head);
    case 'transfer':
    case 'reserve':
      return move(state, command, head, nowMs);
    default:
      return resolve(state, command, head, nowMs);
  }
}

const NOTHING = { debit: null, kind: null, reservation: null, expiresAtMs: null, reference: null, memo: null };

function openAccount(state: BatchState, { type, id, kind, asset }: Of<'account'>, head: object): Draft {
  state.setAccount({ id, kind, asset, debits: 0n, credits: 0n, reserved: 0n });
  return { ...NOTHING, ...(head as Pick<Draft, 'key' | 'requestHash'>), type, credit: id, kind, asset, amount: 0n };
}

function move(
  state: BatchState,
  command: Of<'transfer'> | Of<'reserve'>,
  head: Pick<Draft, 'key' | 'requestHash'>,
  nowMs: number,
): Draft {
  const { type, amount, reference = null, memo = null } = command;
  const debit = accountOf(state, command.debit);
  const credit = accountOf(state, command.credit);
  if (debit.asset !== credit.asset)
    refuse('ERR_LEDGER_ASSET', `The account ${debit.id} counts ${debit.asset}, ${credit.id} counts ${credit.asset}.`);
  const available = debit.credits - debit.debits - debit.reserved;
  if (!mayOverdraw(debit.kind) && available < amount) {
    throw new LedgerError(
      'ERR_LEDGER_INSUFFICIENT',
      `The account has ${available} base units of ${debit.asset} to spend and ${amount} are needed.`,
      { kind: 'caller', meta: { account: debit.id, available: String(available), needed: String(amount) } },
    );
  }
  inRange(debit.debits + debit.reserved + amount, debit);
  inRange(credit.credits + amount, credit);
  const draft = { ...NOTHING, ...head, type, debit: debit.id, credit: credit.id, asset: debit.asset, amount };
  if (type === 'transfer') {
    state.setAccount({ ...debit, debits: debit.debits + amount });
    state.setAccount({ ...credit, credits: credit.credits + amount });
    return { ...draft, reference, memo };
  }
  const expiresAtMs = Math.max(state.head.timeMs, nowMs) + command.timeoutMs;
  state.setAccount({ ...debit, reserved: debit.reserved + amount });
  state.openReservation({ key: head.key, debit: debit.id, amount, expiresAtMs });
  return { ...draft, expiresAtMs, reference, memo };
}

function resolve(
  state: BatchState,
  command: Of<'post'> | Of<'void'> | Of<'expire'>,
  head: Pick<Draft, 'key' | 'requestHash'>,
  nowMs: number,
): Draft {
  const { type, reservation } = command;
  const made = state.entry(reservation);
  if (made === undefined || made.type !== 'reserve')
    refuse('ERR_LEDGER_RESERVATION_UNKNOWN', `There is no reservation ${reservation}.`);
  const open = state.reservation(reservation);
  if (open === undefined)
    refuse('ERR_LEDGER_RESOLVED', `The reservation ${reservation} was posted, voided or expired already.`);
  if (type === 'expire' && nowMs < open.expiresAtMs)
    refuse('ERR_LEDGER_NOT_DUE', `The reservation ${reservation} does not expire before ${open.expiresAtMs}.`);
  const amount = type === 'post' ? command.amount : 0n;
  if (amount > open.amount)
    refuse('ERR_LEDGER_EXCEEDS', `${amount} are to be posted and ${open.amount} were reserved; post at most that.`);
  const debit = accountOf(state, open.debit);
  const credit = accountOf(state, made.credit);
  inRange(credit.credits + amount, credit);
  state.closeReservation(reservation);
  state.setAccount({ ...debit, debits: debit.debits + amount, reserved: debit.reserved - open.amount });
  state.setAccount({ ...credit, credits: credit.credits + amount });
  const { asset, reference } = made;
  const memo = type === 'expire' ? null : (command.memo ?? null);
  return { ...NOTHING, ...head, type, debit: debit.id, credit: credit.id, asset, amount, reservation, reference, memo };
}

function accountOf(state: BatchState, id: string): LedgerBalance {
  return state.account(id) ?? refuse('ERR_LEDGER_ACCOUNT_UNKNOWN', `There is no account ${id}: open it first.`);
}

function inRange(sum: bigint, { id }: LedgerBalance): void {
  if (sum > MAX_AMOUNT) refuse('ERR_LEDGER_AMOUNT', `A sum of the account ${id} would be above 10^38 - 1 base units.`);
}

function refuse(code: LedgerErrorCode, message: string): never {
  throw new LedgerError(code, message, { kind: 'caller' });
}
