import { resolve } from 'node:path';
import { loadOrCreateIdentity } from '@blyan/p2p';
import { readNodeKey } from '../../data-dir/node-key.ts';
import { NodeError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { print, printJson, say } from '../output.ts';

/** A new key in a file of its own, for an account that is no node; never over an existing one. */
export const keysCreate: CommandHandler = async (context, input) => {
  const path = resolve(context.cwd, input.args[0] as string);
  // A file that is no key is refused here, too.
  if ((await readNodeKey(path)) !== null) {
    throw new NodeError('ERR_NODE_KEY', `${path} exists already; name a new file.`, { kind: 'caller' });
  }
  const identity = await loadOrCreateIdentity(path);
  const address = Buffer.from(identity.privateKey.publicKey.raw).toString('hex');
  if (input.options.json === true) return printJson(context, { address, path });
  print(context, address);
  say(context, `The key is in ${path}. Whoever has this file can act as this account; nobody can make it again.`);
};
