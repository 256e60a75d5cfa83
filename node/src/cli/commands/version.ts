import { type CommandSpec, JSON_OPTION } from '../command.ts';

export const version: CommandSpec = {
  name: 'version',
  summary: 'Print the versions of this program, Node and the inference runtime',
  options: [JSON_OPTION],
  load: async () => (await import('../handlers/version.ts')).version,
};
