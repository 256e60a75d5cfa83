import { CONFIG_OPTION, type CommandSpec } from '../command.ts';

/** What a gateway that computes nothing can be told by flags. */
const FLAGS = [
  ...['dataDir', 'model', 'listen', 'announce', 'bootstrap', 'mdns', 'gateway', 'metrics', 'auth', 'limits', 'origin'],
  ...['maxStreams', 'drainMs', 'archive', 'logLevel'],
];

/** And by its environment and files, too. */
export const GATEWAY_SETTINGS = [
  ...FLAGS,
  'ethereumRpc',
  'chainIds',
  'storeQuotaBytes',
  'keepEpochs',
  'snapshotEpochs',
];

export const gatewayStart: CommandSpec = {
  name: 'start',
  summary: 'Join a network by invite and serve HTTP for it; nothing is hosted or computed here',
  settings: FLAGS,
  options: [CONFIG_OPTION, { flags: '--json', help: 'print the ready event as JSON' }],
  examples: [
    'start --bootstrap blyan1…                                        on http://127.0.0.1:4700',
    'start --bootstrap blyan1… --gateway 0.0.0.0:80 --origin https://chat.example.org',
  ],
  load: async () => (await import('../handlers/gateway-start.ts')).gatewayStart,
};
