import { parseArgs } from 'node:util';
import { count } from '../option-values.ts';

export const USAGE = `Usage: npm run drill:crash -- [options]

A node that commits records all the time is killed (kill -9) at random moments and started again. Whatever it acknowledged has to
be there, and no block may be there by halves. At the end its disk becomes full.

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
