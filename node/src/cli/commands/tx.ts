import { CONFIG_OPTION, type CommandSpec, GATEWAY_URL_OPTION, JSON_OPTION, type OptionSpec } from '../command.ts';

const SENDING: readonly OptionSpec[] = [
  { flags: '--key <file>', help: 'key that signs (default: the one of the data folder)' },
  { flags: '--fee <bly>', help: 'fee in BLY (default: the least the chain takes)' },
  { flags: '--wait', help: 'until the record is final, at most a minute' },
  GATEWAY_URL_OPTION,
  CONFIG_OPTION,
  JSON_OPTION,
];

const send: CommandSpec = {
  name: 'send',
  summary: 'Build a record, sign it and hand it to the chain through the running node; prints its hash',
  commands: [
    {
      name: 'transfer',
      summary: 'Move BLY to another account',
      arguments: [
        { name: '<to>', help: 'address: 64 hexadecimal digits, as `keys address` prints them' },
        { name: '<amount>', help: 'in BLY, at most 18 decimals' },
      ],
      settings: ['dataDir'],
      options: SENDING,
      examples: ['tx send transfer 5f…2c 1.5 --wait'],
      load: async () => (await import('../handlers/tx-send.ts')).sendTransfer,
    },
    {
      name: 'node',
      summary:
        'Register the signer as a node with what the running node says of itself, or change the name it is known by',
      settings: ['dataDir'],
      options: [{ flags: '--name <name>', help: 'for people, at most 128 characters' }, ...SENDING],
      load: async () => (await import('../handlers/tx-send.ts')).sendNode,
    },
    {
      name: 'model',
      summary:
        'Publish a version of a stored model; the first to publish a name owns it. Nodes that serve the name follow',
      arguments: [{ name: '<model>', help: 'name or root of a model in the data folder' }],
      settings: ['dataDir'],
      options: [
        { flags: '--model-version <semver>', help: 'above the latest one (default: the next minor version, or 1.0.0)' },
        { flags: '--name <name>', help: 'name to publish under (default: that of the model)' },
        ...SENDING,
      ],
      examples: ['tx send model tiny --model-version 1.1.0 --wait'],
      load: async () => (await import('../handlers/tx-send.ts')).sendModel,
    },
    {
      name: 'expert',
      summary: 'Replace the roots of one expert, if nobody else does first',
      arguments: [
        { name: '<model>', help: 'name on the chain' },
        { name: '<layer>', help: 'from 0' },
        { name: '<expert>', help: 'from 0' },
      ],
      settings: ['dataDir'],
      options: [
        { flags: '--root <root>', help: 'of a slice, in their order; may be repeated', repeat: true },
        ...SENDING,
      ],
      load: async () => (await import('../handlers/tx-send.ts')).sendExpert,
    },
  ],
};

export const tx: CommandSpec = {
  name: 'tx',
  summary: 'Sign records and hand them to the chain, and see what became of them',
  commands: [
    send,
    {
      name: 'show',
      summary: 'Show a record, and where it stands on the chain',
      arguments: [{ name: '<hash>', help: 'as printed by `tx send`' }],
      settings: ['dataDir'],
      options: [GATEWAY_URL_OPTION, CONFIG_OPTION, JSON_OPTION],
      load: async () => (await import('../handlers/chain-record.ts')).chainRecord,
    },
  ],
};
