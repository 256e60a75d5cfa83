import { CONFIG_OPTION, type CommandSpec, GATEWAY_URL_OPTION, JSON_OPTION } from '../command.ts';

export const status: CommandSpec = {
  name: 'status',
  summary: 'Show the models of the network, what is covered and what is missing',
  settings: ['dataDir'],
  options: [GATEWAY_URL_OPTION, CONFIG_OPTION, JSON_OPTION],
  load: async () => (await import('../handlers/status.ts')).status,
};
