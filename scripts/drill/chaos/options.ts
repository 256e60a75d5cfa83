import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DRILL_MODELS, type DrillModel } from '../cluster/drill-model.ts';
import { amount, choice, count } from '../option-values.ts';

export const USAGE = `usage: npm run chaos -- [--nodes N] [--minutes M] [--kill-rate R] [--seed S] [--json]
  --nodes       4 to 16; every block is on two of them (default 4)
  --minutes     how long the storm lasts (default 5)
  --kill-rate   share of the nodes that are down at a time, at least one; 0: none (default 0.3)
  --streams     answers in flight (default 50)
  --gateways    all: every node serves HTTP and may die; first: node 0 alone does, and lives (default all)
  --network     perfect: loopback as it is; rough: far away, and links break, stall and part beside the kills (default perfect)
  --model       ${DRILL_MODELS.join(', ')} (default genesis)
  --min-hits    kills that must hit a node which computes an answer (default 50)
  --seed        of questions, victims and moments (default 1)
  --json        the report as JSON in the last line
  --work-dir    where the bench model is kept between runs (default: blyan-bench in the temporary folder)`;

export interface ChaosOptions {
  readonly nodes: number;
  readonly minutes: number;
  readonly killRate: number;
  readonly streams: number;
  readonly gateways: 'all' | 'first';
  readonly network: 'perfect' | 'rough';
  readonly model: DrillModel;
  readonly minHits: number;
  readonly seed: number;
  readonly workDir: string;
}

/** @throws TypeError with a sentence for the user */
export function parseOptions(
  argv: readonly string[],
): ChaosOptions & { readonly json: boolean; readonly help: boolean } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...{ nodes: text, minutes: text, 'kill-rate': text, streams: text, gateways: text, model: text },
      network: text,
      ...{ 'min-hits': text, seed: text, 'work-dir': text },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    nodes: count('--nodes', values.nodes ?? '4', 4, 16),
    minutes: amount('--minutes', values.minutes ?? '5', 0.05, 24 * 60),
    killRate: amount('--kill-rate', values['kill-rate'] ?? '0.3', 0, 0.5),
    streams: count('--streams', values.streams ?? '50', 1, 1_000),
    gateways: choice('--gateways', values.gateways ?? 'all', ['all', 'first']),
    network: choice('--network', values.network ?? 'perfect', ['perfect', 'rough']),
    model: choice('--model', values.model ?? 'genesis', DRILL_MODELS),
    minHits: count('--min-hits', values['min-hits'] ?? '50', 0, 100_000),
    seed: count('--seed', values.seed ?? '1', 0, 0xffff_ffff),
    workDir: resolve(values['work-dir'] ?? join(tmpdir(), 'blyan-bench')),
    json: values.json,
    help: values.help,
  };
}
