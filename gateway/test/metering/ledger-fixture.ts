import { type Clock, type LedgerEntry, systemClock } from '@blyan/interface';
import { DoubleEntryLedger, LedgerError, LedgerFile, type LedgerStore } from '@blyan/ledger';

/** A ledger's file in memory, which outlives those who write to it. */
export class MemoryLedger {
  readonly #file = new LedgerFile({ path: ':memory:' });
  readonly store: LedgerStore = {
    open: async () => {},
    close: async () => {},
    execute: async (...given) => this.#file.execute(...given),
    account: async (...given) => this.#file.account(...given),
    accounts: async (...given) => this.#file.accounts(...given),
    entries: async (...given) => this.#file.entries(...given),
    entriesOf: async (...given) => this.#file.entriesOf(...given),
    due: async (...given) => this.#file.due(...given),
    trialBalance: async () => this.#file.trialBalance(),
    verify: async () => this.#file.verify(),
  };

  /** A ledger over it, started. */
  async open(clock: Clock = systemClock) {
    const ledger = new DoubleEntryLedger({ store: this.store, clock });
    await ledger.start();
    return { ledger, store: this.store };
  }

  entries(): LedgerEntry[] {
    return this.#file.entries({ limit: 1_000 });
  }

  /** What is wrong with the books; null when debits equal credits and the journal is sound. */
  wrong(): string | null {
    for (const { asset, debits, credits } of this.#file.trialBalance())
      if (debits !== credits) return `${asset}: ${debits} against ${credits}`;
    return this.#file.verify().broken?.reason ?? null;
  }

  /** Gives an account credits, as an operator does. */
  async fund(id: string, amount: bigint, clock?: Clock): Promise<void> {
    const { ledger } = await this.open(clock);
    await Promise.all([
      ledger.openAccount({ id: 'bank', kind: 'issuance', asset: 'credit' }),
      ledger.openAccount({ id, kind: 'user', asset: 'credit' }),
      ledger.transfer({ key: `fund/${id}/${this.entries().length}`, debit: 'bank', credit: id, amount }),
    ]);
  }
}

/** What answers were charged: account, tokens and base units of each post, in order. */
export function posts(ledger: MemoryLedger) {
  return ledger
    .entries()
    .filter(({ type }) => type === 'post')
    .map(({ debit, memo, amount }) => {
      const { promptTokens, completionTokens } = JSON.parse(memo ?? '{}');
      return { account: debit, promptTokens, completionTokens, amount };
    });
}

/** A store that fails once when it is told to, before it has written or after, when nobody knows; or as long as it is told to. */
export function failing(store: LedgerStore) {
  const told = { next: null as 'before' | 'after' | 'always' | null };
  const execute: LedgerStore['execute'] = async (...given) => {
    const { next } = told;
    told.next = next === 'always' ? next : null;
    const fail = () => new LedgerError('ERR_LEDGER_DISK_FULL', 'The disk is full.');
    if (next === 'before' || next === 'always') throw fail();
    const outcomes = await store.execute(...given);
    if (next === 'after') throw fail();
    return outcomes;
  };
  return { store: { ...store, execute }, told };
}
