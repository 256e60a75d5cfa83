import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SPECULATION_CHOICES, type SpeculationChoice } from '@blyan/interface';
import { DRILL_MODELS, type DrillModel } from '../cluster/drill-model.ts';
import { choice, count } from '../option-values.ts';
import { FAULTS, type FaultName } from './faults.ts';
import { ROLES, type Role } from './layout.ts';

export const USAGE = `usage: npm run drill:failover -- [--kills N] [--fault F] [--role R] [--model M] [--seed S] [--json]
  --kills         how many faults (default 50)
  --fault         ${FAULTS.join(', ')} (default kill), or some of them in turn: kill,stop
  --role          of the node that fails: ${ROLES.join(', ')} (default stage)
  --model         ${DRILL_MODELS.join(', ')} (default genesis, 512 tokens of context; bench: 128)
  --context       tokens of prompt and answer
  --tokens        of them, tokens of the answer (default 32)
  --speculation   ${SPECULATION_CHOICES.join(', ')} (default off)
  --seed          which node fails at which token of which prompt (default 1)
  --json          the report as JSON in the last line
  --work-dir      where the bench model is kept between runs (default: blyan-bench in the temporary folder)`;

export interface FailoverOptions {
  readonly kills: number;
  /** Taken in turn. */
  readonly faults: readonly FaultName[];
  readonly role: Role;
  readonly model: DrillModel;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly speculation: SpeculationChoice;
  readonly seed: number;
  readonly workDir: string;
}

const CONTEXT: Record<DrillModel, number> = { genesis: 512, bench: 128, golden: 48 };

/** @throws TypeError with a sentence for the user */
export function parseOptions(
  argv: readonly string[],
): FailoverOptions & { readonly json: boolean; readonly help: boolean } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...{ kills: text, fault: text, role: text, model: text, context: text, tokens: text, speculation: text },
      ...{ seed: text, 'work-dir': text },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const model = choice('--model', values.model ?? 'genesis', DRILL_MODELS);
  const context = count('--context', values.context ?? String(CONTEXT[model]), 8, 1 << 20);
  const answerTokens = count('--tokens', values.tokens ?? String(Math.min(32, context >> 1)), 4, context - 1);
  const role = choice('--role', values.role ?? 'stage', ROLES);
  const faults = (values.fault ?? 'kill').split(',').map((name) => choice('--fault', name.trim(), FAULTS));
  if (role === 'delegate' && faults.includes('garbage'))
    throw new TypeError('--fault garbage: a delegate sends tokens and no rows; choose --role stage or experts.');
  return {
    ...{ model, role, faults, answerTokens, promptTokens: context - answerTokens },
    kills: count('--kills', values.kills ?? '50', 1, 10_000),
    speculation: choice('--speculation', values.speculation ?? 'off', SPECULATION_CHOICES),
    seed: count('--seed', values.seed ?? '1', 0, 0xffff_ffff),
    workDir: resolve(values['work-dir'] ?? join(tmpdir(), 'blyan-bench')),
    json: values.json,
    help: values.help,
  };
}
