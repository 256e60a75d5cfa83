import { parseArgs } from 'node:util';
import { count } from '../option-values.ts';

export const USAGE = `Usage: npm run drill:chain-memory -- [options]

One validator alone makes blocks as fast as its disk takes them, through the whole chain: pool, consensus, state, Level, snapshots
and pruning. Its memory, after a collection, has to stay where it was after a fifth of the blocks.

  --blocks N       how many (default 100000)
  --records N      transfers of a block (default 2)
  --accounts N     that send them in turn (default 1000)
  --keep-epochs N  epochs of blocks that are kept (default 16)
  --help           this text

The last line is JSON. Exit code 1 when memory grew.`;

export interface MemoryOptions {
  readonly blocks: number;
  readonly records: number;
  readonly accounts: number;
  readonly keepEpochs: number;
  readonly help: boolean;
}

/** @throws TypeError naming the flag */
export function parseOptions(args: string[]): MemoryOptions {
  const { values } = parseArgs({
    args,
    options: {
      blocks: { type: 'string', default: '100000' },
      records: { type: 'string', default: '2' },
      accounts: { type: 'string', default: '1000' },
      'keep-epochs': { type: 'string', default: '16' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    blocks: count('--blocks', values.blocks, 100, 100_000_000),
    records: count('--records', values.records, 1, 4_096),
    accounts: count('--accounts', values.accounts, 1, 10_000),
    keepEpochs: count('--keep-epochs', values['keep-epochs'], 1, 16_384),
    help: values.help,
  };
}
