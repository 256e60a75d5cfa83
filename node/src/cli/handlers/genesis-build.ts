import { resolve } from 'node:path';
import { buildGenesis } from '@blyan/chain';
import { writeFileAtomic } from '../../data-dir/atomic-file.ts';
import { dataDirError } from '../../data-dir/data-dir.ts';
import { installedPath } from '../../installation.ts';
import type { CommandHandler } from '../command.ts';
import { print, printJson, say } from '../output.ts';

/** Prints the network id of a genesis folder, and with `--out` writes the bytes it is the hash of. */
export const genesisBuild: CommandHandler = async (context, input) => {
  const folder = input.args[0] === undefined ? await installedPath('genesis') : resolve(context.cwd, input.args[0]);
  const { bytes, hash } = await buildGenesis(folder, { signal: context.signal });
  const out = input.options.out === undefined ? null : resolve(context.cwd, input.options.out as string);
  if (out !== null) {
    await writeFileAtomic(out, bytes, 0o644).catch((error) => {
      throw dataDirError(out, error);
    });
  }
  if (input.options.json === true)
    return printJson(context, { networkId: hash, byteLength: bytes.length, folder, out });
  print(context, hash);
  if (out !== null) say(context, `${bytes.length} bytes in ${out}`);
};
