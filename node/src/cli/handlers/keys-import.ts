import { resolve } from 'node:path';
import { openDataDir } from '../../data-dir/data-dir.ts';
import { readNodeKey, replaceNodeKey } from '../../data-dir/node-key.ts';
import { NodeError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson, say } from '../output.ts';

/** Gives the data folder the identity of a file; another identity there is kept unless `--replace` is given. */
export const keysImport: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const path = resolve(context.cwd, input.args[0] as string);
  const identity = await readNodeKey(path);
  if (identity === null) throw new NodeError('ERR_NODE_MISSING_FILE', `${path} does not exist.`, { kind: 'caller' });
  await using dataDir = await openDataDir(config.dataDir, context.pid);
  // A damaged key may be replaced, too: that is what a backup is for.
  const current = input.options.replace === true ? null : await readNodeKey(dataDir.nodeKey);
  if (current !== null && current.peerId !== identity.peerId) {
    const message = `${dataDir.root} already is ${current.peerId}. Export that key first (\`keys export\`), then use --replace.`;
    throw new NodeError('ERR_NODE_KEY', message, { kind: 'caller' });
  }
  if (current === null) await replaceNodeKey(path, dataDir.nodeKey);
  if (input.options.json === true) return printJson(context, { peerId: identity.peerId, path: dataDir.nodeKey });
  say(context, `${dataDir.root} now is ${identity.peerId}`);
};
