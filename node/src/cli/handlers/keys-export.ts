import { resolve } from 'node:path';
import { dataDirPaths } from '../../data-dir/data-dir.ts';
import { copyNodeKey, readNodeKey } from '../../data-dir/node-key.ts';
import { NodeError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson, say } from '../output.ts';

/** Writes the private key to a new file, readable by its owner only; an existing file is never touched. */
export const keysExport: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const { nodeKey } = dataDirPaths(config.dataDir);
  const identity = await readNodeKey(nodeKey);
  if (identity === null)
    throw new NodeError('ERR_NODE_KEY', `No identity at ${nodeKey} to export.`, { kind: 'caller' });
  const path = resolve(context.cwd, input.args[0] as string);
  await copyNodeKey(nodeKey, path);
  if (input.options.json === true) return printJson(context, { peerId: identity.peerId, path });
  say(context, `${identity.peerId} is in ${path}. Whoever has this file can act as this node.`);
};
