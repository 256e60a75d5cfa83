import type { CommandHandler } from '../command.ts';
import { findRunning } from '../find-gateway.ts';
import { print, printJson } from '../output.ts';

/** The invite string of the running node, alone on stdout, so that it can be piped. */
export const invite: CommandHandler = async (context, input) => {
  const running = await findRunning(context, input);
  if (input.options.json !== true) return print(context, running.invite);
  printJson(context, { invite: running.invite, peerId: running.peerId, networkId: running.networkId });
};
