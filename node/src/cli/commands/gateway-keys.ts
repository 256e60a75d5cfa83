import { SCOPES } from '@blyan/interface';
import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

const load = async () => await import('../handlers/gateway-keys.ts');
const ACCOUNT = { name: '<account>', help: 'Ethereum address whose key it is, 0x…' };
const COMMON = { settings: ['dataDir'], options: [CONFIG_OPTION, JSON_OPTION] };

/** Of any account; people manage their own at the account page, or with `blyan-node account`. */
export const gatewayKeys: CommandSpec = {
  name: 'keys',
  summary: 'API keys at the gateway that runs on the data folder, of `blyan-node start` too',
  commands: [
    {
      name: 'list',
      summary: 'Keys of an account, or the newest 1,000 of all; never the keys themselves',
      arguments: [{ ...ACCOUNT, name: '[account]' }],
      ...COMMON,
      load: async () => (await load()).listKeys,
    },
    {
      name: 'create',
      summary: 'Make a key for an account and print it, this one time',
      arguments: [ACCOUNT],
      settings: ['dataDir'],
      options: [
        { flags: '--name <name>', help: 'what to call it, up to 64 characters (default: "operator")' },
        { flags: '--scopes <scopes>', help: `comma list of ${SCOPES.join(', ')} (default: inference)` },
        { flags: '--days <n>', help: 'how long it is good, 1 to 3650 (default: until it is revoked)' },
        CONFIG_OPTION,
        JSON_OPTION,
      ],
      examples: ['keys create 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 --name "the website" --days 90'],
      load: async () => (await load()).createKey,
    },
    {
      name: 'revoke',
      summary: 'End a key',
      arguments: [ACCOUNT, { name: '<id>', help: 'as `keys list` shows it' }],
      ...COMMON,
      load: async () => (await load()).revokeKey,
    },
  ],
};
