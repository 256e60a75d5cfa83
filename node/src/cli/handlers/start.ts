import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { runNode } from '../run-node.ts';

/** Runs the daemon until a signal; 0 when it stopped because it was asked to. */
export const start: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  return await runNode(context, config);
};
