import { NODE_COMMANDS } from './commands/index.ts';
import type { ProgramSpec } from './program.ts';

export const NODE_PROGRAM: ProgramSpec = {
  name: 'blyan-node',
  description: 'A node of a peer-to-peer network that serves one shared mixture-of-experts model.',
  examples: [
    ['devnet --nodes 3', 'a network on this machine, with a chat page'],
    ['run', 'chat with it in the terminal'],
    ['start --bootstrap INVITE', 'join a network'],
  ],
  commands: NODE_COMMANDS,
};
