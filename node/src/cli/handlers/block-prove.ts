import { proveSubtile, readBlockManifest } from '@blyan/tensorblock';
import { numberOption } from '../../config/number-option.ts';
import { usageError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { print, printJson } from '../output.ts';

const HASH_HEX_DIGITS = 64;

/** The sibling hashes of one subtile, bottom up, from the tree the file carries; whoever has the root can check them. */
export const blockProve: CommandHandler = async (context, input) => {
  if (input.options.subtile === undefined) throw usageError('Say which subtile to prove: --subtile I, counted from 0.');
  const index = numberOption(input.options.subtile, '--subtile', { min: 0, max: 2 ** 40, integer: true });
  const file = input.args[0] as string;
  const { root, leafCount } = await readBlockManifest(file);
  const { byteLength, siblings } = await proveSubtile(file, index);
  const hashes =
    Buffer.from(siblings)
      .toString('hex')
      .match(new RegExp(`.{${HASH_HEX_DIGITS}}`, 'g')) ?? [];
  if (input.options.json === true)
    return printJson(context, { root, byteLength, leafCount, subtile: index, siblings: hashes });
  print(context, `subtile ${index} of ${leafCount} in ${root} (${byteLength} bytes), siblings bottom up:`);
  for (const hash of hashes) print(context, hash);
};
