import type { NodeConfig } from '../config/node-config.ts';

export type CheckLevel = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly check: string;
  readonly level: CheckLevel;
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do about it; absent when nothing is to be done. */
  readonly fix?: string;
}

export interface DoctorInput {
  readonly config: NodeConfig;
  readonly nodeVersion: string;
  readonly signal: AbortSignal;
}

export interface Check {
  readonly name: string;
  /** Every fact worth a line; an exception becomes a `fail`. */
  run(input: DoctorInput): Promise<Omit<Finding, 'check'>[]>;
}

export const ok = (message: string): Omit<Finding, 'check'> => ({ level: 'ok', message });
export const warn = (message: string, fix: string): Omit<Finding, 'check'> => ({ level: 'warn', message, fix });
export const fail = (message: string, fix: string): Omit<Finding, 'check'> => ({ level: 'fail', message, fix });
