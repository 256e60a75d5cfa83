import { type CommandSpec, JSON_OPTION } from '../command.ts';

export const genesis: CommandSpec = {
  name: 'genesis',
  summary: 'Build the genesis bytes of a network, or check them; their hash is the network id',
  commands: [
    {
      name: 'build',
      summary: 'Build genesis.cbor from a genesis folder: the same folder gives the same bytes',
      arguments: [{ name: '[dir]', help: 'genesis folder (default: the one of this program)' }],
      options: [{ flags: '--out <file>', help: 'write the bytes here' }, JSON_OPTION],
      examples: ['genesis build', 'genesis build ./genesis --out genesis.cbor'],
      load: async () => (await import('../handlers/genesis-build.ts')).genesisBuild,
    },
    {
      name: 'verify',
      summary: 'Check genesis bytes and print their network id; exit code 1 when they are not what was expected',
      arguments: [{ name: '[file]', help: 'genesis bytes, or a genesis folder (default: those of this program)' }],
      options: [{ flags: '--network-id <id>', help: 'expected network id' }, JSON_OPTION],
      load: async () => (await import('../handlers/genesis-verify.ts')).genesisVerify,
    },
  ],
};
