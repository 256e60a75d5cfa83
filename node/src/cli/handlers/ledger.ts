import { randomBytes } from 'node:crypto';
import { formatUnits, parseUnits } from '@blyan/api';
import { topUp } from '@blyan/gateway';
import { systemClock } from '@blyan/interface';
import { DoubleEntryLedger } from '@blyan/ledger';
import { usageError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { findLedgerStore, openLedgerToRead } from '../open-ledger.ts';
import { print, printable, printJson, table } from '../output.ts';

/** Whose word the top-ups of this command are. */
const SOURCE = 'operator';
const MAX_NOTE = 200;

export const ledgerTrialBalance: CommandHandler = async (context, input) => {
  await using books = await openLedgerToRead(context, input);
  const totals = (await books.trialBalance()).map((one) => ({ ...one, difference: one.debits - one.credits }));
  const isBalanced = totals.every(({ difference }) => difference === 0n);
  if (input.options.json === true) {
    const data = totals.map(({ asset, accounts, ...sums }) => ({ asset, accounts, ...asText(sums) }));
    printJson(context, { isBalanced, data });
  } else {
    const rows = totals.map(({ asset, accounts, debits, credits, reserved, difference }) => [
      ...[asset, String(accounts)],
      ...[debits, credits, reserved, difference].map(formatUnits),
    ]);
    print(context, table([['ASSET', 'ACCOUNTS', 'DEBITS', 'CREDITS', 'SET ASIDE', 'DIFFERENCE'], ...rows]));
    print(context, isBalanced ? 'The books are balanced.' : 'The books are NOT balanced.');
  }
  return isBalanced ? 0 : 1;
};

export const ledgerVerify: CommandHandler = async (context, input) => {
  await using books = await openLedgerToRead(context, input);
  const report = await books.verify();
  const { entries, hash, open, broken } = report;
  if (input.options.json === true) printJson(context, report);
  else if (broken === null) {
    print(context, `All ${entries} entries are sound, ${open} answers are under way. The last one is ${hash}.`);
  } else {
    const where = broken.seq === null ? 'the balances' : `entry ${broken.seq}`;
    print(context, `The ledger is DAMAGED at ${where}: ${printable(broken.reason)}.`);
  }
  return broken === null ? 0 : 1;
};

export const ledgerTopUp: CommandHandler = async (context, input) => {
  const [given = '', text = ''] = input.args;
  const account = given.toLowerCase();
  if (!/^0x[0-9a-f]{40}$/.test(account))
    throw usageError(`"${printable(given)}" is no Ethereum address: 0x and 40 hexadecimal digits.`);
  const amount = parseUnits(text);
  if (amount === null || amount === 0n)
    throw usageError(`"${printable(text)}" is no number of credits, like 25 or 0.5.`);
  const { id = randomBytes(8).toString('hex'), note } = input.options as { id?: string; note?: string };
  if (!/^[\w.-]{1,64}$/.test(id)) throw usageError('--id: 1 to 64 letters, digits, "-", "_" and ".".');
  if (note !== undefined && (note.length === 0 || note.length > MAX_NOTE))
    throw usageError(`--note: 1 to ${MAX_NOTE} characters.`);
  const store = await findLedgerStore(context, input);
  const ledger = new DoubleEntryLedger({ store, clock: systemClock });
  await ledger.start(context.signal);
  try {
    const { seq, hash } = await topUp(ledger, { source: SOURCE, id, account, amount, note });
    const balance = await ledger.balance(account);
    const available = (balance?.credits ?? 0n) - (balance?.debits ?? 0n) - (balance?.reserved ?? 0n);
    const entry = { id, account, amount: String(amount), available: String(available), seq, hash };
    if (input.options.json === true) return printJson(context, entry);
    print(context, `${account} got ${formatUnits(amount)} credits (${id}) and has ${formatUnits(available)} to spend.`);
  } finally {
    await ledger.stop();
  }
};

function asText<Sums extends Record<string, bigint>>(sums: Sums): Record<keyof Sums, string> {
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, String(sum)])) as Record<
    keyof Sums,
    string
  >;
}
