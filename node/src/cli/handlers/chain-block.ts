import { askChain } from '../ask-chain.ts';
import type { CommandHandler } from '../command.ts';
import { print, printable, printJson } from '../output.ts';
import { describeBlock } from '../show-chain.ts';

/** One final block and the hashes of its records. */
export const chainBlock: CommandHandler = async (context, input) => {
  const { chain, signal } = await askChain(context, input);
  const block = await chain.block(input.args[0] ?? (await chain.head(signal)).height, signal);
  if (input.options.json === true) return printJson(context, block);
  print(context, describeBlock(block).join('\n'));
  for (const hash of block.recordHashes) print(context, `  ${printable(hash)}`);
};
