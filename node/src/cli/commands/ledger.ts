import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

const COMMON = { settings: ['dataDir'], options: [CONFIG_OPTION, JSON_OPTION] };

export const ledger: CommandSpec = {
  name: 'ledger',
  summary: 'The books of the gateway of this data folder; the node may be running',
  examples: [
    'ledger trial-balance',
    'ledger top-up 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 25 --id invoice-17 --note "Invoice 17"',
  ],
  commands: [
    {
      name: 'trial-balance',
      summary: 'Sums of all accounts; exit code 1 when debits do not equal credits',
      ...COMMON,
      load: async () => (await import('../handlers/ledger.ts')).ledgerTrialBalance,
    },
    {
      name: 'verify',
      summary: 'Read every entry and check its hash, the rules and all balances; exit code 1 when something is wrong',
      ...COMMON,
      load: async () => (await import('../handlers/ledger.ts')).ledgerVerify,
    },
    {
      name: 'top-up',
      summary: 'Give an account credits',
      arguments: [
        { name: '<account>', help: 'Ethereum address, 0x…' },
        { name: '<credits>', help: 'how many, as 25 or 0.5' },
      ],
      settings: ['dataDir'],
      options: [
        { flags: '--id <id>', help: 'of the payment: the same one again gives nothing twice (default: a new one)' },
        { flags: '--note <text>', help: 'for the statement of the account, up to 200 characters' },
        CONFIG_OPTION,
        JSON_OPTION,
      ],
      load: async () => (await import('../handlers/ledger.ts')).ledgerTopUp,
    },
  ],
};
