import { type CommandSpec, JSON_OPTION } from '../command.ts';

export const block: CommandSpec = {
  name: 'block',
  summary: 'Verify, show and prove single TensorBlock files',
  commands: [
    {
      name: 'verify',
      summary: 'Hash a block file and compare it with its root',
      arguments: [{ name: '<file>', help: 'a .tb file' }],
      options: [{ flags: '--root <root>', help: 'expected root (default: the name of the file)' }, JSON_OPTION],
      examples: ['block verify data/blocks/0f…e1.tb', 'block verify copy.tb --root 0f…e1'],
      load: async () => (await import('../handlers/block-verify.ts')).blockVerify,
    },
    {
      name: 'show',
      summary: 'Show the header and the tensors of a block file (without hashing it)',
      arguments: [{ name: '<file>', help: 'a .tb file' }],
      options: [JSON_OPTION],
      load: async () => (await import('../handlers/block-show.ts')).blockShow,
    },
    {
      name: 'prove',
      summary: 'Print the inclusion proof of one 256 KiB subtile',
      arguments: [{ name: '<file>', help: 'a .tb file' }],
      options: [{ flags: '--subtile <i>', help: 'index of the subtile, from 0' }, JSON_OPTION],
      examples: ['block prove data/blocks/0f…e1.tb --subtile 3 --json'],
      load: async () => (await import('../handlers/block-prove.ts')).blockProve,
    },
  ],
};
