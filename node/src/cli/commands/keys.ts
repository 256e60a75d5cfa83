import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

export const keys: CommandSpec = {
  name: 'keys',
  summary: 'The identity of this node: its peer id, its address and where the key is kept',
  settings: ['dataDir'],
  options: [CONFIG_OPTION, JSON_OPTION],
  examples: ['keys --json', 'keys export node.key', 'keys import node.key --data-dir ./other', 'keys create my.key'],
  load: async () => (await import('../handlers/keys-show.ts')).keysShow,
  commands: [
    {
      name: 'address',
      summary: 'Print the address (public key) by which the chain knows this node, or the holder of a key file',
      arguments: [{ name: '[file]', help: 'key file (default: the one of the data folder)' }],
      settings: ['dataDir'],
      options: [CONFIG_OPTION, JSON_OPTION],
      load: async () => (await import('../handlers/keys-address.ts')).keysAddress,
    },
    {
      name: 'create',
      summary: 'Make a new key in a file, for an account that is no node, and print its address',
      arguments: [{ name: '<file>', help: 'must not exist yet' }],
      options: [JSON_OPTION],
      load: async () => (await import('../handlers/keys-create.ts')).keysCreate,
    },
    {
      name: 'export',
      summary: 'Copy the private key (libp2p protobuf form) to a new file that only you can read',
      arguments: [{ name: '<file>', help: 'must not exist yet' }],
      settings: ['dataDir'],
      options: [CONFIG_OPTION, JSON_OPTION],
      load: async () => (await import('../handlers/keys-export.ts')).keysExport,
    },
    {
      name: 'import',
      summary: 'Use a private key (libp2p protobuf form, ed25519) as the identity of this data folder',
      arguments: [{ name: '<file>', help: 'as written by `keys export`' }],
      settings: ['dataDir'],
      options: [{ flags: '--replace', help: 'even when the folder has an identity' }, CONFIG_OPTION, JSON_OPTION],
      load: async () => (await import('../handlers/keys-import.ts')).keysImport,
    },
  ],
};
