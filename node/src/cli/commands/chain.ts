import { CONFIG_OPTION, type CommandSpec, GATEWAY_URL_OPTION, JSON_OPTION } from '../command.ts';

const ASKING = {
  settings: ['dataDir'],
  options: [GATEWAY_URL_OPTION, CONFIG_OPTION, JSON_OPTION],
} as const;

const STOPPED = { settings: ['dataDir'], options: [CONFIG_OPTION, JSON_OPTION] } as const;

export const chain: CommandSpec = {
  name: 'chain',
  summary: 'Look at the chain of a running node; verify, export and import that of a stopped one',
  examples: ['chain head', 'chain block 12 --json', 'chain proof model/blyan'],
  commands: [
    {
      name: 'head',
      summary: 'Show the newest final block, and whether the chain moves',
      ...ASKING,
      load: async () => (await import('../handlers/chain-head.ts')).chainHead,
    },
    {
      name: 'block',
      summary: 'Show a final block',
      arguments: [{ name: '[height|hash]', help: 'which (default: the head)' }],
      ...ASKING,
      load: async () => (await import('../handlers/chain-block.ts')).chainBlock,
    },
    {
      name: 'record',
      summary: 'Show a record, and where it stands on the chain',
      arguments: [{ name: '<hash>', help: 'hash of the record' }],
      ...ASKING,
      load: async () => (await import('../handlers/chain-record.ts')).chainRecord,
    },
    {
      name: 'proof',
      summary: 'Show the value of a state key with a proof, checked here against the genesis in the data folder',
      arguments: [{ name: '<key>', help: 'account/ADDRESS, node/PUBLIC-KEY, model/NAME, …' }],
      ...ASKING,
      load: async () => (await import('../handlers/chain-proof.ts')).chainProof,
    },
    {
      name: 'verify',
      summary:
        'Check every byte and every block from the genesis on; exit code 1 when one is wrong. The node must be stopped',
      ...STOPPED,
      load: async () => (await import('../handlers/chain-verify.ts')).chainVerify,
    },
    {
      name: 'snapshot',
      summary:
        'List the snapshots that others may begin from, and take one where an epoch has ended. The node must be stopped',
      ...STOPPED,
      load: async () => (await import('../handlers/chain-snapshot.ts')).chainSnapshot,
    },
    {
      name: 'export',
      summary: 'Write all final blocks to a new file. The node must be stopped',
      arguments: [{ name: '<file>', help: 'must not exist yet' }],
      ...STOPPED,
      load: async () => (await import('../handlers/chain-export.ts')).chainExport,
    },
    {
      name: 'import',
      summary: 'Take blocks from a file, each checked and executed. The node must be stopped',
      arguments: [{ name: '<file>', help: 'as written by `chain export`' }],
      ...STOPPED,
      load: async () => (await import('../handlers/chain-import.ts')).chainImport,
    },
  ],
};
