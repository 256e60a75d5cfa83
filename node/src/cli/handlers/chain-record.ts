import { askChain } from '../ask-chain.ts';
import type { CommandHandler } from '../command.ts';
import { print, printable, printableText, printJson } from '../output.ts';

/** A record's place and fields. */
export const chainRecord: CommandHandler = async (context, input) => {
  const { chain, signal } = await askChain(context, input);
  const { bytes, ...record } = await chain.record(input.args[0] as string, signal);
  if (input.options.json === true) return printJson(context, { ...record, bytes });
  const { place } = record;
  const where = place === null ? 'waits for a block' : `block ${place.height}, record ${place.index}`;
  print(context, `hash   ${printable(record.hash)}\nplace  ${where}`);
  print(
    context,
    bytes === null ? 'Its bytes were pruned here.' : printableText(JSON.stringify(record.fields, null, 2)),
  );
};
