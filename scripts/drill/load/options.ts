import { parseArgs } from 'node:util';
import { count } from '../option-values.ts';

export const USAGE = `usage: npm run drill:load -- [--seconds S] [--clients N] [--nodes N] [--seed S] [--json]
  --seconds     how long the clients go on, the restart included (default 120)
  --clients     at once: half of them good, the others slow, broken or hostile (default 1000)
  --processes   that the clients are in (default 2)
  --nodes       1 to 8 daemons; the first one is the gateway (default 3)
  --seed        of questions and moments (default 1)
  --no-restart  the gateway is not restarted in between
  --json        the report as JSON in the last line
Linux: every client has an address of its own in 127.0.0.0/8. Exit code 1 when a good client was not served as promised, or
something is left behind.`;

export interface LoadOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly processes: number;
  readonly nodes: number;
  readonly seed: number;
  readonly restart: boolean;
}

/** @throws TypeError with a sentence for the user */
export function parseOptions(
  args: readonly string[],
): LoadOptions & { readonly json: boolean; readonly help: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '120' },
      clients: { type: 'string', default: '1000' },
      processes: { type: 'string', default: '2' },
      nodes: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      'no-restart': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    seconds: count('--seconds', values.seconds, 5, 86_400),
    clients: count('--clients', values.clients, 10, 10_000),
    processes: count('--processes', values.processes, 1, 64),
    nodes: count('--nodes', values.nodes, 1, 8),
    seed: count('--seed', values.seed, 0, 0xffff_ffff),
    restart: !values['no-restart'],
    json: values.json,
    help: values.help,
  };
}
