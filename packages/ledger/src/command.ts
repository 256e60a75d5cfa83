import { encodeCanonical } from '@blyan/codec';
import { sha256, toHex } from '@blyan/crypto';
import {
  type Hash,
  LEDGER_ACCOUNT_KINDS,
  type LedgerAccount,
  type PostRequest,
  type ReserveRequest,
  type TransferRequest,
  type VoidRequest,
} from '@blyan/interface';
import { LedgerError } from './errors.ts';

/** The largest amount and the largest sum of an account, base units: what 127 bits and 38 decimal digits hold. */
export const MAX_AMOUNT = 10n ** 38n - 1n;
/** Longest time that a reservation may be open for, milliseconds. */
export const MAX_TIMEOUT_MS = 30 * 24 * 3600 * 1000;
export const MAX_MEMO_CHARS = 1024;
export const MAX_NAME_CHARS = 128;

/** Something to be done once, as it is queued, stored and hashed. */
export type LedgerCommand =
  | ({ readonly type: 'account' } & LedgerAccount)
  | ({ readonly type: 'transfer' } & TransferRequest)
  | ({ readonly type: 'reserve' } & ReserveRequest)
  | ({ readonly type: 'post' } & PostRequest)
  | ({ readonly type: 'void' } & VoidRequest)
  | { readonly type: 'expire'; readonly reservation: string };

const NAME = /^[\x21-\x7e]{1,128}$/;
const ASSET = /^[a-z][a-z0-9-]{0,15}$/;
const RESERVED_PREFIX = /^(account|expire)\//;

/** The idempotency key of a command; opening an account and ending a reservation have one by themselves. */
export function keyOf(command: LedgerCommand): string {
  if (command.type === 'account') return `account/${command.id}`;
  if (command.type === 'expire') return `expire/${command.reservation}`;
  return command.key;
}

/** SHA-256 of all that a command asks for. */
export function requestHashOf(command: LedgerCommand): Hash {
  const fields = Object.entries(command).filter(([, value]) => value !== undefined);
  return toHex(sha256(encodeCanonical(['blyan-ledger-request-1', Object.fromEntries(fields)])));
}

/**
 * Refuses what no ledger could do, before anything is queued or stored.
 *
 * @returns the command with the fields of its type alone
 * @throws LedgerError ERR_LEDGER_INVALID naming the field
 */
export function assertCommand(command: LedgerCommand): LedgerCommand {
  if (command.type === 'account') {
    const { type, id, kind, asset } = command;
    name('id', id);
    if (!LEDGER_ACCOUNT_KINDS.includes(kind)) invalid('kind', `one of ${LEDGER_ACCOUNT_KINDS.join(', ')}`);
    if (typeof asset !== 'string' || !ASSET.test(asset)) invalid('asset', 'up to 16 of a-z, 0-9 and -');
    return { type, id, kind, asset };
  }
  if (command.type === 'expire') {
    name('reservation', command.reservation);
    return { type: command.type, reservation: command.reservation };
  }
  const { key, memo } = command;
  name('key', key);
  if (RESERVED_PREFIX.test(key)) invalid('key', 'a name that does not begin with account/ or expire/');
  if (memo !== undefined && (typeof memo !== 'string' || memo.length > MAX_MEMO_CHARS || !isText(memo)))
    invalid('memo', `well-formed text of at most ${MAX_MEMO_CHARS} characters`);
  if (command.type === 'post' || command.type === 'void') {
    name('reservation', command.reservation);
    const common = { key, memo, reservation: command.reservation };
    if (command.type === 'void') return { type: command.type, ...common };
    amount(command.amount);
    return { type: command.type, ...common, amount: command.amount };
  }
  const { debit, credit, reference } = command;
  name('debit', debit);
  name('credit', credit);
  if (debit === credit) invalid('credit', 'another account than debit');
  if (reference !== undefined) name('reference', reference);
  amount(command.amount);
  const common = { key, memo, debit, credit, amount: command.amount, reference };
  if (command.type === 'transfer') return { type: command.type, ...common };
  const { timeoutMs } = command;
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS)
    invalid('timeoutMs', `a whole number from 1 to ${MAX_TIMEOUT_MS}`);
  return { type: command.type, ...common, timeoutMs };
}

function name(field: string, value: unknown): void {
  if (typeof value !== 'string' || !NAME.test(value))
    invalid(field, `1 to ${MAX_NAME_CHARS} printable ASCII characters`);
}

function amount(value: unknown): void {
  if (typeof value !== 'bigint' || value < 0n || value > MAX_AMOUNT) invalid('amount', 'a bigint from 0 to 10^38 - 1');
}

/** What canonical CBOR and both databases can hold. */
function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0') && text.charCodeAt(0) !== 0xfeff;
}

function invalid(field: string, expected: string): never {
  throw new LedgerError('ERR_LEDGER_INVALID', `${field}: Expected ${expected}.`, { kind: 'caller', meta: { field } });
}
