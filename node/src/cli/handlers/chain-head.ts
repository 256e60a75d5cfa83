import { askChain } from '../ask-chain.ts';
import type { CommandHandler } from '../command.ts';
import { print, printable, printJson } from '../output.ts';
import { describeTime, movement, validatorsOf } from '../show-chain.ts';

/** The head as the asked node has it. */
export const chainHead: CommandHandler = async (context, input) => {
  const { chain, signal } = await askChain(context, input);
  const head = await chain.head(signal);
  if (input.options.json === true) return printJson(context, head);
  const lines = [
    `network    ${printable(head.networkId)}`,
    `height     ${head.height}`,
    `hash       ${printable(head.hash)}`,
    `time       ${describeTime(head.timeMs)}`,
    `epoch      ${head.epoch}: ${validatorsOf(head)}`,
    `state root ${printable(head.stateRoot)}`,
    `chain      ${movement(head)}`,
  ];
  for (const { epoch, view, validator } of head.evidence) {
    lines.push(`evidence   validator ${validator} of epoch ${epoch} cheated in view ${view}; --json has the proof`);
  }
  print(context, lines.join('\n'));
};
