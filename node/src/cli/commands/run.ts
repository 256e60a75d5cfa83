import { CONFIG_OPTION, type CommandSpec, GATEWAY_URL_OPTION } from '../command.ts';

export const run: CommandSpec = {
  name: 'run',
  summary: 'Chat in the terminal with a running network',
  arguments: [{ name: '[model]', help: 'name of the model (default: the first one served)' }],
  settings: ['dataDir'],
  options: [
    {
      ...GATEWAY_URL_OPTION,
      help: `${GATEWAY_URL_OPTION.help}; may be repeated: when one is gone, answers go on at the next`,
      repeat: true,
    },
    CONFIG_OPTION,
  ],
  examples: ['run', "echo 'What is a river?' | npx blyan-node run", 'run --gateway http://10.0.0.7:4700'],
  load: async () => (await import('../handlers/run.ts')).run,
};
