import { resolve } from 'node:path';
import { dataDirPaths } from '../../data-dir/data-dir.ts';
import { readNodeKey } from '../../data-dir/node-key.ts';
import { NodeError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { print, printJson } from '../output.ts';

/** The address alone, so that it can be piped: the public key, by which the chain knows accounts, nodes and validators. */
export const keysAddress: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const [file] = input.args;
  const path = file === undefined ? dataDirPaths(config.dataDir).nodeKey : resolve(context.cwd, file);
  const identity = await readNodeKey(path);
  if (identity === null) throw new NodeError('ERR_NODE_KEY', `There is no key at ${path}.`, { kind: 'caller' });
  const address = Buffer.from(identity.privateKey.publicKey.raw).toString('hex');
  if (input.options.json === true) return printJson(context, { address, peerId: identity.peerId, path });
  print(context, address);
};
