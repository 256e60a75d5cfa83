import { CONFIG_OPTION, type CommandSpec, GATEWAY_URL_OPTION, JSON_OPTION } from '../command.ts';

export const tx: CommandSpec = {
  name: 'tx',
  summary: 'Sign records and hand them to the chain, and see what became of them',
  commands: [
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
