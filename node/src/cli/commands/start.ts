import { CONFIG_OPTION, type CommandSpec } from '../command.ts';

export const start: CommandSpec = {
  name: 'start',
  summary: 'Run a node: join a network (or begin one), host blocks, serve HTTP',
  settings: [
    ...['dataDir', 'model', 'genesisDir', 'host', 'listen', 'announce', 'bootstrap', 'mdns'],
    ...[
      'lanes',
      'gateway',
      'metrics',
      'auth',
      'limits',
      'charge',
      'prices',
      'origin',
      'threads',
      'maxStreams',
      'drainMs',
      'kvBudgetBytes',
      'archive',
      'logLevel',
    ],
  ],
  options: [CONFIG_OPTION, { flags: '--json', help: 'print the ready event as JSON' }],
  examples: [
    'start                                        a network of your own, chat page on http://127.0.0.1:4700',
    'start --bootstrap blyan1… --gateway off      join by invite and lend a hand',
    'start --host trunk,experts:*.0-3             host the trunk and the first four experts of every layer',
  ],
  load: async () => (await import('../handlers/start.ts')).start,
};
