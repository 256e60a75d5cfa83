import { formatUnits, type StatementLine } from '@blyan/api';
import { usageError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { print, printable, printJson, table } from '../output.ts';
import { loggedIn } from './account.ts';

const MAX_LINES = 100;
const SHOWN_ID = 8;

/** Balance and lines of the account at the gateway. */
export const accountStatement: CommandHandler = async (context, input) => {
  const { credits, signal } = await loggedIn(context, input);
  const limit = numberOf(input.options.limit, '--limit', MAX_LINES);
  const before = numberOf(input.options.before, '--before', Number.MAX_SAFE_INTEGER);
  const statement = await credits.statement({ limit, before }, signal);
  if (input.options.json === true) return printJson(context, statement);
  const { account, balance, isCharged, data, next } = statement;
  print(context, `account    ${account}`);
  print(context, `to spend   ${formatUnits(balance.available)} credits, ${formatUnits(balance.reserved)} set aside`);
  print(context, `charged    ${isCharged ? 'yes' : 'no, what is used is written down at no cost'}\n`);
  print(context, table([['SEQ', 'TIME', 'WHAT', 'CREDITS', 'ABOUT'], ...data.map(rowOf)]));
  if (next !== null) print(context, `\nolder lines: account statement --before ${next}`);
};

function rowOf({
  seq,
  time,
  type,
  amount,
  model,
  answer,
  promptTokens,
  completionTokens,
  note,
}: StatementLine): string[] {
  const tokens = model === null ? '' : `${printable(model)}, ${promptTokens} + ${completionTokens} tokens`;
  const about = [tokens, note === null ? '' : printable(note), answer === null ? '' : answer.slice(0, SHOWN_ID)];
  return [
    ...[String(seq), time.slice(0, 19).replace('T', ' '), type, formatUnits(amount)],
    about.filter((text) => text !== '').join(', '),
  ];
}

function numberOf(given: unknown, flag: string, most: number): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw usageError(`${flag}: write a number from 1 to ${most}.`);
}
