import { createHash } from 'node:crypto';
import { ApiClient, ApiClientError } from '@blyan/api';
import { usageError } from '../../errors.ts';
import type { CommandHandler, CommandInput } from '../command.ts';
import type { CliContext } from '../context.ts';
import { apiKeyFor, keepCredential } from '../credentials.ts';
import { findGateway } from '../find-gateway.ts';
import { inTime } from '../in-time.ts';
import { print, printable, printJson, table } from '../output.ts';

const KEY_ID_DIGITS = 16;

/** What the account may do at the gateway, and how much of it is left. */
export const accountLimits: CommandHandler = async (context, input) => {
  const { auth, signal } = await loggedIn(context, input);
  const limits = await auth.limits(signal);
  if (input.options.json === true) return printJson(context, limits);
  const { level, trust, streams, rates, isEnforced } = limits;
  print(context, `level     ${level}, ${trust.good} good answers and ${trust.bad} bad ones count`);
  print(context, `enforced  ${isEnforced ? 'yes' : 'no'}\n`);
  const rows = rates.map(({ name, limit, windowSeconds, remaining }) => [
    name === 'day' ? 'requests' : name,
    String(remaining),
    `${limit} in ${windowSeconds} s`,
  ]);
  print(
    context,
    table([
      ['WHAT', 'LEFT', 'LIMIT'],
      ...rows,
      ['at once', String(streams.limit - streams.open), String(streams.limit)],
    ]),
  );
};

export const accountKeys: CommandHandler = async (context, input) => {
  const { auth, signal } = await loggedIn(context, input);
  const { data } = await auth.keys(signal);
  if (input.options.json === true) return printJson(context, data);
  const rows = data.map(({ id, name, hint, scopes, createdAt, lastUsedAt }) => [
    ...[id, `bly_sk_…${printable(hint)}`, scopes.join(','), createdAt.slice(0, 10)],
    ...[lastUsedAt?.slice(0, 16).replace('T', ' ') ?? 'never', printable(name)],
  ]);
  print(context, table([['ID', 'KEY', 'SCOPES', 'MADE', 'LAST USED', 'NAME'], ...rows]));
};

export const accountRevoke: CommandHandler = async (context, input) => {
  const { auth, signal } = await loggedIn(context, input);
  const id = input.args[0] ?? '';
  if (!(await auth.revokeKey(id, signal)))
    throw usageError(`This account has no key ${printable(id)}: see \`account keys\`.`);
  if (input.options.json === true) return printJson(context, { revoked: id });
  print(context, `revoked ${id}`);
};

/** Revokes the key that is kept for the gateway, and forgets it; forgets it too when the gateway does not know it any more. */
export const logout: CommandHandler = async (context, input) => {
  const { auth, signal, key, baseUrl } = await loggedIn(context, input);
  const id = createHash('sha256').update(key).digest('hex').slice(0, KEY_ID_DIGITS);
  const isRevoked = await auth.revokeKey(id, signal).catch((error) => {
    // Revoked before, or without the right to revoke anything.
    const isRefused = error instanceof ApiClientError && [401, 403].includes(Number(error.meta.status));
    if (isRefused) return false;
    throw error;
  });
  await keepCredential(context, baseUrl, null);
  if (input.options.json === true) return printJson(context, { gateway: baseUrl, revoked: isRevoked });
  print(context, `logged out of ${baseUrl}${isRevoked ? '' : '; its key was not revoked there'}`);
};

/** @throws ERR_NODE_USAGE when no key of the gateway is kept */
export async function loggedIn(context: CliContext, input: CommandInput) {
  const baseUrl = await findGateway(context, input);
  const key = (await apiKeyFor(context))(baseUrl);
  if (key === undefined) throw usageError(`No API key of ${baseUrl} is kept: log in with \`blyan-node login\`.`);
  const { auth, credits } = new ApiClient({ baseUrl, apiKeyOf: () => key });
  return { auth, credits, baseUrl, key, signal: inTime(context) };
}
