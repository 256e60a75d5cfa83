import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

export const gatewayMigrate: CommandSpec = {
  name: 'migrate',
  summary: 'Bring the ledger to the schema of this program, before its gateways start, and print each step of it',
  settings: ['dataDir'],
  options: [CONFIG_OPTION, JSON_OPTION],
  examples: [
    'migrate                                               the file of the data folder',
    'migrate --config gateway.toml                         the database that `ledger` names there',
  ],
  load: async () => (await import('../handlers/gateway-migrate.ts')).gatewayMigrate,
};
