import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

export const invite: CommandSpec = {
  name: 'invite',
  summary: 'Print the invite string of the running node',
  settings: ['dataDir'],
  options: [CONFIG_OPTION, JSON_OPTION],
  examples: ['invite', 'start --bootstrap $(npx blyan-node invite)'],
  load: async () => (await import('../handlers/invite.ts')).invite,
};
