import { parseArgs } from 'node:util';
import { count } from '../option-values.ts';

export const USAGE = `Usage: npm run drill:crash -- [options]

Four validators commit transfers all the time, and one of them at a time is killed (kill -9) at a random moment and started again.
Whatever it said is final has to be on its disk, no block may be there by halves, and it must not vote against what it voted
before. In the end every transfer is on every chain, and each chain is executed again from the genesis. Then the disk of a lone
validator becomes full.

  --kills N   how often it is killed (default 200)
  --seed N    of the moments it is killed at (default 1)
  --help      this text

The last line is JSON. Exit code 1 when something was lost or torn.`;

export interface CrashOptions {
  readonly kills: number;
  readonly seed: number;
  readonly help: boolean;
}

/** @throws TypeError naming the flag */
export function parseOptions(args: string[]): CrashOptions {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    kills: count('--kills', values.kills, 1, 100_000),
    seed: count('--seed', values.seed, 0, 2 ** 31),
    help: values.help,
  };
}
