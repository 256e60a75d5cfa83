import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LedgerCommand } from '../command.ts';
import { errorOf, LedgerError, unavailable } from '../errors.ts';
import type { EntryQuery, LedgerStore, StoreFault } from '../store.ts';
import type { FileMethod, FromWorker, ResultOf, WorkerOptions } from './worker-protocol.ts';

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export interface SqliteStoreOptions {
  /** The file; its folder is made. `-wal` and `-shm` stand beside it while it is open. */
  readonly path: string;
  /** Only for tests and drills. */
  readonly fault?: StoreFault;
}

/** A ledger in one file of this machine, written by a thread of its own. For one gateway. */
export class SqliteStore implements LedgerStore {
  readonly #options: SqliteStoreOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #exited: Promise<void> = Promise.resolve();
  #next = 1;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { path, fault } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const gate = fault === undefined ? null : new SharedArrayBuffer(4);
    const worker = new Worker(WORKER, { workerData: { path, gate } satisfies WorkerOptions });
    const opened = this.#expect<null>(0);
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => void this.#receive(message, gate));
    worker.on('error', (cause) => this.#failAll(unavailable('its thread failed', { cause })));
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    worker.on('exit', () => {
      // A message to a thread that has ended is dropped: who asks from now on must be refused.
      if (this.#worker === worker) this.#worker = null;
      this.#failAll(stopped());
      exited.resolve();
    });
    try {
      await opened;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    // What was asked before is answered before.
    worker?.postMessage('close');
    await this.#exited;
  }

  execute(commands: readonly LedgerCommand[], nowMs: number) {
    return this.#ask('execute', commands, nowMs);
  }

  account(id: string) {
    return this.#ask('account', id);
  }

  accounts(query: { readonly after?: string; readonly limit: number }) {
    return this.#ask('accounts', query);
  }

  entries(query: EntryQuery) {
    return this.#ask('entries', query);
  }

  entriesOf(reference: string, limit: number) {
    return this.#ask('entriesOf', reference, limit);
  }

  due(query: { readonly beforeMs: number; readonly limit: number }) {
    return this.#ask('due', query);
  }

  trialBalance() {
    return this.#ask('trialBalance');
  }

  verify() {
    return this.#ask('verify');
  }

  #ask<Method extends FileMethod>(method: Method, ...args: readonly unknown[]): Promise<ResultOf<Method>> {
    const worker = this.#worker;
    if (worker === null) return Promise.reject(stopped());
    const id = this.#next++;
    const answer = this.#expect<ResultOf<Method>>(id);
    worker.postMessage({ id, method, args });
    return answer;
  }

  #expect<T>(id: number): Promise<T> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async #receive(message: FromWorker, gate: SharedArrayBuffer | null): Promise<void> {
    if ('fault' in message) {
      await this.#options.fault?.(message.fault);
      if (gate === null) return;
      const passed = new Int32Array(gate);
      Atomics.add(passed, 0, 1);
      Atomics.notify(passed, 0);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('value' in message) waiting?.resolve(message.value as never);
    else if ('refusal' in message) waiting?.reject(errorOf(message.refusal));
    else waiting?.reject(unavailable(message.failure));
  }

  #failAll(error: LedgerError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function stopped(): LedgerError {
  return new LedgerError('ERR_LEDGER_STOPPED', 'The ledger is not open.');
}
