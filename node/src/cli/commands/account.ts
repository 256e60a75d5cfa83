import { CONFIG_OPTION, type CommandSpec, GATEWAY_URL_OPTION, JSON_OPTION } from '../command.ts';

const COMMON = { settings: ['dataDir'], options: [GATEWAY_URL_OPTION, CONFIG_OPTION, JSON_OPTION] };

export const login: CommandSpec = {
  name: 'login',
  summary: 'Get an API key of a gateway by approving this terminal at its page, and keep it',
  settings: ['dataDir'],
  options: [
    { flags: '--paste', help: 'read a key that the page made from stdin instead' },
    { flags: '--name <name>', help: 'what to call the key (default: the name of this machine)' },
    GATEWAY_URL_OPTION,
    CONFIG_OPTION,
    JSON_OPTION,
  ],
  examples: ['login --gateway https://chat.example.org', 'login --paste < key.txt'],
  load: async () => (await import('../handlers/login.ts')).login,
};

export const logout: CommandSpec = {
  name: 'logout',
  summary: 'Revoke and forget the API key that is kept for a gateway',
  ...COMMON,
  load: async () => (await import('../handlers/account.ts')).logout,
};

export const account: CommandSpec = {
  name: 'account',
  summary: 'What your account may do at a gateway, its credits and its API keys',
  ...COMMON,
  examples: ['account', 'account statement', 'account keys', 'account revoke 0123456789abcdef'],
  load: async () => (await import('../handlers/account.ts')).accountLimits,
  commands: [
    {
      name: 'statement',
      summary: 'Credits of the account, and what came and was paid, the latest first',
      settings: ['dataDir'],
      options: [
        { flags: '--limit <n>', help: 'lines, 1 to 100 (default: 50)' },
        { flags: '--before <seq>', help: 'only lines before this one, for the next page' },
        ...COMMON.options,
      ],
      load: async () => (await import('../handlers/account-statement.ts')).accountStatement,
    },
    {
      name: 'keys',
      summary: 'The API keys of the account, with their last use',
      ...COMMON,
      load: async () => (await import('../handlers/account.ts')).accountKeys,
    },
    {
      name: 'revoke',
      summary: 'End an API key',
      arguments: [{ name: '<id>', help: 'as `account keys` lists it' }],
      ...COMMON,
      load: async () => (await import('../handlers/account.ts')).accountRevoke,
    },
  ],
};
