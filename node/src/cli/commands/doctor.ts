import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

export const doctor: CommandSpec = {
  name: 'doctor',
  summary: 'Check this machine and data folder; every finding says what to do. Exit code 1 when a check fails',
  settings: ['dataDir', 'listen', 'gateway', 'metrics'],
  options: [CONFIG_OPTION, JSON_OPTION],
  load: async () => (await import('../handlers/doctor.ts')).doctor,
};
