import type { LedgerRefusal } from '../errors.ts';
import type { StoreFaultPoint } from '../store.ts';
import type { LedgerFile } from './ledger-file.ts';

/** What a worker may be asked. */
export type FileMethod =
  | 'execute'
  | 'account'
  | 'accounts'
  | 'entries'
  | 'entriesOf'
  | 'due'
  | 'trialBalance'
  | 'verify';

export interface WorkerOptions {
  readonly path: string;
  /** Where the worker waits at a fault point for the other thread; null: it passes them. */
  readonly gate: SharedArrayBuffer | null;
}

export interface ToWorker {
  readonly id: number;
  readonly method: FileMethod;
  readonly args: readonly unknown[];
}

/** `id` 0 answers for the opening of the file. */
export type FromWorker =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly refusal: LedgerRefusal }
  | { readonly id: number; readonly failure: string }
  | { readonly fault: StoreFaultPoint };

export type ResultOf<Method extends FileMethod> = ReturnType<LedgerFile[Method]>;
