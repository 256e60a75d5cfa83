import { parseArgs } from 'node:util';
import { count } from '../option-values.ts';

export const USAGE = `Usage: npm run drill:ledger -- [options]

A devnet of two daemons answers eight clients, who stream, cancel, and wait for whole answers. Its gateway is killed (kill -9) again
and again at a point of an answer's life in the ledger: after what it may cost is set aside, before its tokens are posted, in
the middle of a transaction. It starts again on the same folder; then the trial balance must be zero, every entry must verify,
nothing may be set aside still, and each post must be the tokens that the answer's usage said, or at least those that its
client counted.

  --kills N     how often it is killed (default 100)
  --clients N   at once (default 8)
  --seed N      of what clients ask and when the gateway dies (default 1)
  --json        a line of JSON at the end
  --help        this text

Exit code 1 when something was wrong.`;

export interface LedgerDrillOptions {
  readonly kills: number;
  readonly clients: number;
  readonly seed: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws TypeError naming the flag */
export function parseOptions(args: string[]): LedgerDrillOptions {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '100' },
      clients: { type: 'string', default: '8' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    kills: count('--kills', values.kills, 1, 10_000),
    clients: count('--clients', values.clients, 1, 64),
    seed: count('--seed', values.seed, 0, 2 ** 31),
    json: values.json,
    help: values.help,
  };
}
