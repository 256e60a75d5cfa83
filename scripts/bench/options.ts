import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchContext } from './benchmark.ts';
import { CATALOG, LEFT_OUT_WHEN_QUICK } from './catalog.ts';

export const USAGE = `usage: npm run bench -- [--quick] [--only NAME,NAME] [--json [FILE]] [--work-dir DIR] [--llama DIR]
  --quick         smaller models, fewer rounds: under two minutes once the models are made
  --only          some of: ${Object.keys(CATALOG).join(', ')}
  --json          write the results as JSON to FILE, or to stdout
  --work-dir      where models are kept between runs (default: blyan-bench in the temporary folder)
  --llama         a folder with node-llama-cpp installed, to compare with llama.cpp (or BLYAN_BENCH_LLAMA)`;

export interface MainOptions extends BenchContext {
  readonly names: readonly string[];
  /** `-`: stdout; null: no JSON. */
  readonly json: string | null;
  readonly help: boolean;
}

/** @throws TypeError with a sentence for the user */
export function parseOptions(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): MainOptions {
  const { values } = parseArgs({
    args: withJsonValue(argv),
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      'work-dir': { type: 'string' },
      llama: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const known = Object.keys(CATALOG);
  const usual = known.filter((name) => !values.quick || !LEFT_OUT_WHEN_QUICK.includes(name));
  const names = values.only === undefined ? usual : values.only.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`--only: "${unknown}" is none of ${known.join(', ')}.`);
  const llama = values.llama ?? env.BLYAN_BENCH_LLAMA;
  return {
    quick: values.quick,
    names: known.filter((name) => names.includes(name)),
    json: values.json === undefined || values.json === '-' ? (values.json ?? null) : resolve(values.json),
    workDir: resolve(values['work-dir'] ?? join(tmpdir(), 'blyan-bench')),
    llamaDir: llama === undefined ? null : resolve(llama),
    help: values.help,
  };
}

/** `--json` may stand alone, which parseArgs has no word for. */
function withJsonValue(argv: readonly string[]): string[] {
  return argv.flatMap((arg, index) => {
    const next = argv[index + 1];
    return arg === '--json' && (next === undefined || next.startsWith('--')) ? ['--json', '-'] : [arg];
  });
}
