import { usageError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { runNode } from '../run-node.ts';

/** Runs a node that is nothing but its gateway, until a signal. @throws ERR_NODE_USAGE without a network to join, or without HTTP */
export const gatewayStart: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  if (config.bootstrap.length === 0) {
    throw usageError(
      'A gateway joins a network: give it an invite with --bootstrap (`blyan-node invite` on a running node prints one).',
    );
  }
  if (config.gateway === null)
    throw usageError('--gateway: a gateway without HTTP is none; write for example 127.0.0.1:4700.');
  return await runNode(context, { ...config, host: 'none', computes: false });
};
