import { dataDirPaths } from '../../data-dir/data-dir.ts';
import { readNodeKey } from '../../data-dir/node-key.ts';
import { NodeError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { print, printJson } from '../output.ts';

/** The peer id and the path of its key, never the key; nothing is made when there is none. */
export const keysShow: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const { nodeKey } = dataDirPaths(config.dataDir);
  const identity = await readNodeKey(nodeKey);
  if (identity === null) {
    const message = `No identity at ${nodeKey} yet. The first \`blyan-node start\` makes one, or use \`blyan-node keys import FILE\`.`;
    throw new NodeError('ERR_NODE_KEY', message, { kind: 'caller' });
  }
  const publicKey = Buffer.from(identity.privateKey.publicKey.raw).toString('hex');
  if (input.options.json === true)
    return printJson(context, { peerId: identity.peerId, publicKey, address: publicKey, path: nodeKey });
  print(context, `${identity.peerId}\naddress  ${publicKey}\nkept in  ${nodeKey}`);
};
