import type { CommandSpec } from '../command.ts';

export const bench: CommandSpec = {
  name: 'bench',
  summary: 'Measure speed and memory against physical limits (options are those of scripts/bench)',
  arguments: [{ name: '[options...]', help: 'handed on, for example --json FILE' }],
  passThrough: true,
  load: async () => (await import('../handlers/bench.ts')).bench,
};
