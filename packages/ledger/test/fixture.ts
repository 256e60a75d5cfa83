import type { Clock } from '@blyan/interface';
import { DoubleEntryLedger, type LedgerStore } from '../src/index.ts';

/** A clock that moves when it is told to. */
export class ManualClock implements Clock {
  ms = 1_780_000_000_000;

  nowMs(): number {
    return this.ms;
  }
}

export const CREDIT = 'credit';

/** A started ledger with `bank` (issuance), `alice` (100 to spend), `guest` and `shop` (revenue). */
export async function openLedger(store: LedgerStore) {
  const clock = new ManualClock();
  const ledger = new DoubleEntryLedger({ store, clock });
  await ledger.start();
  await Promise.all([
    ledger.openAccount({ id: 'bank', kind: 'issuance', asset: CREDIT }),
    ledger.openAccount({ id: 'alice', kind: 'user', asset: CREDIT }),
    ledger.openAccount({ id: 'guest', kind: 'guest', asset: CREDIT }),
    ledger.openAccount({ id: 'shop', kind: 'revenue', asset: CREDIT }),
    ledger.transfer({ key: 'fund', debit: 'bank', credit: 'alice', amount: 100n }),
  ]);
  return { ledger, clock };
}

/** What is wrong with the books; null when debits equal credits and the journal is sound. */
export async function wrongWith(store: LedgerStore): Promise<string | null> {
  for (const { asset, debits, credits } of await store.trialBalance())
    if (debits !== credits) return `${asset}: ${debits} against ${credits}`;
  return (await store.verify()).broken?.reason ?? null;
}
