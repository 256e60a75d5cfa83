import { ApiClient, type OperatorClient } from '@blyan/api';
import { SCOPES, type Scope } from '@blyan/interface';
import { numberOption } from '../../config/number-option.ts';
import { NodeError, usageError } from '../../errors.ts';
import type { CommandHandler, CommandInput } from '../command.ts';
import type { CliContext } from '../context.ts';
import { findRunning } from '../find-gateway.ts';
import { inTime } from '../in-time.ts';
import { print, printable, printJson, table } from '../output.ts';

const MAX_DAYS = 3_650;
const MAX_NAME = 64;

export const listKeys: CommandHandler = async (context, input) => {
  const account = input.args[0] === undefined ? undefined : accountOf(input.args[0]);
  const { operator, signal } = await findOperator(context, input);
  const { data } = await operator.keys(account, signal);
  if (input.options.json === true) return printJson(context, data);
  const rows = data.map(({ account: owner, id, name, hint, scopes, createdAt, lastUsedAt, expiresAt }) => [
    ...[owner, id, `bly_sk_…${printable(hint)}`, scopes.join(','), createdAt.slice(0, 10)],
    ...[minute(lastUsedAt) ?? 'never', minute(expiresAt) ?? '-', printable(name)],
  ]);
  print(context, table([['ACCOUNT', 'ID', 'KEY', 'SCOPES', 'MADE', 'LAST USED', 'EXPIRES', 'NAME'], ...rows]));
};

export const createKey: CommandHandler = async (context, input) => {
  const account = accountOf(input.args[0] ?? '');
  const { name = 'operator', scopes = 'inference', days } = input.options as Record<string, string | undefined>;
  if (name.trim() === '' || name.length > MAX_NAME) throw usageError(`--name: 1 to ${MAX_NAME} characters.`);
  const wanted = {
    name,
    scopes: scopes.split(',').map(scopeOf),
    expiresInDays: days === undefined ? null : numberOption(days, '--days', { min: 1, max: MAX_DAYS, integer: true }),
  };
  const { operator, signal } = await findOperator(context, input);
  const created = await operator.createKey(account, wanted, signal);
  // Alone on stdout, so that it can be piped to where it belongs.
  if (input.options.json === true) printJson(context, { account, ...created });
  else print(context, created.key);
};

export const revokeKey: CommandHandler = async (context, input) => {
  const [account, id] = [accountOf(input.args[0] ?? ''), input.args[1] ?? ''];
  const { operator, signal } = await findOperator(context, input);
  if (!(await operator.revokeKey(account, id, signal)))
    throw usageError(`${account} has no key ${printable(id)}: see \`blyan-gateway keys list ${account}\`.`);
  if (input.options.json === true) return printJson(context, { account, revoked: id });
  print(context, `revoked ${id}`);
};

/** @throws NodeError ERR_NODE_NOT_RUNNING, ERR_NODE_GATEWAY */
async function findOperator(
  context: CliContext,
  input: CommandInput,
): Promise<{ readonly operator: OperatorClient; readonly signal: AbortSignal }> {
  const { gateway, operatorToken, pid } = await findRunning(context, input);
  if (gateway === null || operatorToken === undefined) {
    const message = `Process ${pid} has no gateway that takes commands: name the data folder of one with --data-dir (in a devnet that of its first node, …/node-0).`;
    throw new NodeError('ERR_NODE_GATEWAY', message, { kind: 'caller' });
  }
  const { operator } = new ApiClient({ baseUrl: gateway, apiKeyOf: () => operatorToken });
  return { operator, signal: inTime(context) };
}

function accountOf(given: string): string {
  if (/^0x[0-9a-f]{40}$/i.test(given)) return given.toLowerCase();
  throw usageError(`"${printable(given)}" is no Ethereum address: 0x and 40 hexadecimal digits.`);
}

function scopeOf(given: string): Scope {
  const scope = SCOPES.find((one) => one === given.trim());
  if (scope !== undefined) return scope;
  throw usageError(`--scopes: "${printable(given)}" is none of ${SCOPES.join(', ')}.`);
}

function minute(time: string | null): string | null {
  return time === null ? null : time.slice(0, 16).replace('T', ' ');
}
