import { config } from './commands/config.ts';
import { gatewayKeys } from './commands/gateway-keys.ts';
import { gatewayMigrate } from './commands/gateway-migrate.ts';
import { GATEWAY_SETTINGS, gatewayStart } from './commands/gateway-start.ts';
import type { ProgramSpec } from './program.ts';

export const GATEWAY_PROGRAM: ProgramSpec = {
  name: 'blyan-gateway',
  description: 'A gateway to a network of blyan nodes: HTTP and the web page, without computing anything itself.',
  examples: [
    ['start --bootstrap INVITE', 'serve HTTP for a network'],
    ['keys create 0xf39F…2266', 'an API key for an account'],
    ['config show --origin', 'every setting, its value and where that comes from'],
  ],
  commands: [gatewayStart, gatewayMigrate, config(GATEWAY_SETTINGS), gatewayKeys],
};
