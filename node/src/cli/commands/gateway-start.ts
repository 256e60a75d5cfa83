import { SETTINGS, settingOf } from '../../config/settings.ts';
import { CONFIG_OPTION, type CommandSpec } from '../command.ts';

/** Of hosting and computing, which this program does not do. */
const OF_NODES = ['genesisDir', 'host', 'provider', 'threads', 'kvBudgetBytes', 'sessionCacheBytes'];

export const GATEWAY_SETTINGS = SETTINGS.map(({ key }) => key).filter((key) => !OF_NODES.includes(key));

export const gatewayStart: CommandSpec = {
  name: 'start',
  summary: 'Join a network by invite and serve HTTP for it; nothing is hosted or computed here',
  settings: GATEWAY_SETTINGS.filter((key) => settingOf(key).flags !== null),
  options: [CONFIG_OPTION, { flags: '--json', help: 'print the ready event as JSON' }],
  examples: [
    'start --bootstrap blyan1…                                        on http://127.0.0.1:4700',
    'start --bootstrap blyan1… --gateway 0.0.0.0:80 --origin https://chat.example.org',
  ],
  load: async () => (await import('../handlers/gateway-start.ts')).gatewayStart,
};
