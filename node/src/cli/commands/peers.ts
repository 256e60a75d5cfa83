import { CONFIG_OPTION, type CommandSpec, GATEWAY_URL_OPTION, JSON_OPTION } from '../command.ts';

export const peers: CommandSpec = {
  name: 'peers',
  summary: 'List the nodes of the network: what each hosts, tier, round-trip time, what is held against it',
  settings: ['dataDir'],
  options: [GATEWAY_URL_OPTION, CONFIG_OPTION, JSON_OPTION],
  load: async () => (await import('../handlers/peers.ts')).peers,
};
