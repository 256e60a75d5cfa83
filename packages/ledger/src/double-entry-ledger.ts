import type {
  Clock,
  ExpireOptions,
  Ledger,
  LedgerAccount,
  LedgerBalance,
  LedgerEntry,
  PostRequest,
  ReserveRequest,
  Service,
  TransferRequest,
  VoidRequest,
} from '@blyan/interface';
import type { LedgerOutcome } from './batch-state.ts';
import { assertCommand, keyOf, type LedgerCommand } from './command.ts';
import { MAX_BATCH } from './decide.ts';
import { errorOf, LedgerError } from './errors.ts';
import type { LedgerStore } from './store.ts';

/** Requests that may wait for the store. */
const MAX_WAITING = 65_536;
const MAX_ENTRIES = 1_000;

export interface LedgerDeps {
  readonly store: LedgerStore;
  readonly clock: Clock;
}

interface Waiting {
  readonly command: LedgerCommand;
  readonly resolve: (entry: LedgerEntry) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The ledger over a store. Requests that come while a transaction is being written make up the next one: one alone waits for
 * one write to the disk, a thousand at once for two.
 */
export class DoubleEntryLedger implements Ledger, Service {
  readonly #store: LedgerStore;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #isRunning = false;
  #stopping: Promise<void> | null = null;

  constructor({ store, clock }: LedgerDeps) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws what opening the store throws */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await this.#store.open();
    this.#isRunning = true;
  }

  /** What was asked before is done before, whoever stops it first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#close().finally(() => {
      this.#stopping = null;
    });
    return this.#stopping;
  }

  openAccount(account: LedgerAccount): Promise<LedgerEntry> {
    return this.#submit({ type: 'account', ...account });
  }

  transfer(request: TransferRequest): Promise<LedgerEntry> {
    return this.#submit({ type: 'transfer', ...request });
  }

  reserve(request: ReserveRequest): Promise<LedgerEntry> {
    return this.#submit({ type: 'reserve', ...request });
  }

  post(request: PostRequest): Promise<LedgerEntry> {
    return this.#submit({ type: 'post', ...request });
  }

  void(request: VoidRequest): Promise<LedgerEntry> {
    return this.#submit({ type: 'void', ...request });
  }

  async expire({ except, signal }: ExpireOptions = {}): Promise<number> {
    const limit = MAX_BATCH + (except?.size ?? 0);
    let expired = 0;
    for (;;) {
      signal?.throwIfAborted();
      const due = await this.#store.due({ beforeMs: this.#clock.nowMs(), limit });
      const ending = due.filter(({ key }) => !except?.has(key));
      const ended = await Promise.all(
        ending.map(({ key }) =>
          this.#submit({ type: 'expire', reservation: key }).then(
            () => 1,
            (error) => {
              // Somebody else has ended it meanwhile.
              if (error instanceof LedgerError && error.code === 'ERR_LEDGER_RESOLVED') return 0;
              throw error;
            },
          ),
        ),
      );
      expired += ended.reduce<number>((sum, one) => sum + one, 0);
      if (due.length < limit || ending.length === 0) return expired;
    }
  }

  balance(id: string): Promise<LedgerBalance | null> {
    return this.#store.account(id);
  }

  entriesOf(reference: string): Promise<readonly LedgerEntry[]> {
    return this.#store.entriesOf(reference, MAX_ENTRIES);
  }

  async #close(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    while (this.#writing !== null) await this.#writing;
    await this.#store.close();
  }

  async #submit(given: LedgerCommand): Promise<LedgerEntry> {
    const command = assertCommand(given);
    if (!this.#isRunning) throw new LedgerError('ERR_LEDGER_STOPPED', 'The ledger does not run.');
    if (this.#waiting.length >= MAX_WAITING) {
      throw new LedgerError('ERR_LEDGER_BUSY', `${MAX_WAITING} requests wait for the ledger: ask again in a moment.`);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  async #write(): Promise<void> {
    // What is asked in the same turn belongs together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      await this.#writeBatch(batch);
    }
    this.#writing = null;
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const commands = batch.map(({ command }) => command);
    let outcomes: readonly LedgerOutcome[];
    try {
      outcomes = await this.#store.execute(commands, this.#clock.nowMs());
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    batch.forEach(({ command, resolve, reject }, at) => {
      const outcome = outcomes[at];
      if (outcome?.ok) resolve(outcome.entry);
      else if (outcome !== undefined) reject(errorOf(outcome.refusal));
      else reject(new RangeError(`The store left out ${keyOf(command)}`));
    });
  }
}
