import type { LedgerBalance, LedgerEntry } from '@blyan/interface';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type BatchView,
  decideBatch,
  EMPTY_HEAD,
  entryHash,
  type LedgerCommand,
  type LedgerHead,
  type OpenReservation,
  Verifier,
} from '../src/index.ts';

const ACCOUNTS = { bank: 'issuance', guest: 'guest', alice: 'user', bob: 'user', shop: 'revenue' } as const;
type Name = keyof typeof ACCOUNTS;
const NAMES = Object.keys(ACCOUNTS) as Name[];

/** The whole ledger in memory: every batch sees everything. */
class WholeLedger {
  head: LedgerHead = EMPTY_HEAD;
  readonly entries: LedgerEntry[] = [];
  readonly accounts = new Map<string, LedgerBalance>();
  readonly open = new Map<string, OpenReservation>();

  execute(commands: readonly LedgerCommand[], nowMs: number): string[] {
    const view: BatchView = {
      head: this.head,
      entries: this.entries,
      open: [...this.open.values()],
      accounts: [...this.accounts.values()],
    };
    const { outcomes, change } = decideBatch(view, commands, nowMs);
    this.head = change.head;
    this.entries.push(...change.entries);
    for (const balance of change.balances) this.accounts.set(balance.id, balance);
    for (const reservation of change.opened) this.open.set(reservation.key, reservation);
    for (const key of change.closed) this.open.delete(key);
    return outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.refusal.code.replace('ERR_LEDGER_', '')));
  }
}

/** The rules said again, as plainly as can be: numbers, one map of money, one of money set aside. */
class Naive {
  readonly money = new Map<string, number>(NAMES.map((name) => [name, 0]));
  readonly done = new Map<string, string>();
  readonly aside = new Map<string, { debit: string; credit: string; amount: number; until: number; ended: boolean }>();

  do(command: LedgerCommand, now: number): string {
    const key = command.type === 'expire' ? `expire/${command.reservation}` : 'key' in command ? command.key : '';
    const text = JSON.stringify(command, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    const before = this.done.get(key);
    if (before !== undefined) return before === text ? 'ok' : 'CONFLICT';
    const result = this.#apply(command, now);
    if (result === 'ok') this.done.set(key, text);
    return result;
  }

  spendable(name: string): number {
    let left = this.money.get(name) ?? 0;
    for (const { debit, amount, ended } of this.aside.values()) if (debit === name && !ended) left -= amount;
    return left;
  }

  #apply(command: LedgerCommand, now: number): string {
    if (command.type === 'account') return 'ok';
    if (command.type === 'transfer' || command.type === 'reserve') {
      const { debit, credit } = command;
      const amount = Number(command.amount);
      const mayOwe = debit === 'bank' || debit === 'guest';
      if (!mayOwe && this.spendable(debit) < amount) return 'INSUFFICIENT';
      if (command.type === 'transfer') this.#move(debit, credit, amount);
      else this.aside.set(command.key, { debit, credit, amount, until: now + command.timeoutMs, ended: false });
      return 'ok';
    }
    const reservation = this.aside.get(command.reservation);
    if (reservation === undefined) return 'RESERVATION_UNKNOWN';
    if (reservation.ended) return 'RESOLVED';
    if (command.type === 'expire' && now < reservation.until) return 'NOT_DUE';
    if (command.type === 'post') {
      if (Number(command.amount) > reservation.amount) return 'EXCEEDS';
      this.#move(reservation.debit, reservation.credit, Number(command.amount));
    }
    reservation.ended = true;
    return 'ok';
  }

  #move(debit: string, credit: string, amount: number): void {
    this.money.set(debit, (this.money.get(debit) ?? 0) - amount);
    this.money.set(credit, (this.money.get(credit) ?? 0) + amount);
  }
}

const key = fc.integer({ min: 0, max: 12 }).map((n) => `k${n}`);
const amount = fc.bigInt(0n, 60n);
const sides = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES))
  .filter(([debit, credit]) => debit !== credit)
  .map(([debit, credit]) => ({ debit, credit }));
const command: fc.Arbitrary<LedgerCommand> = fc.oneof(
  fc
    .record({ type: fc.constant('transfer' as const), key, amount, sides })
    .map(({ sides, ...rest }) => ({ ...rest, ...sides })),
  fc
    .record({ type: fc.constant('reserve' as const), key, amount, sides, timeoutMs: fc.integer({ min: 1, max: 9 }) })
    .map(({ sides, ...rest }) => ({ ...rest, ...sides })),
  fc.record({ type: fc.constant('post' as const), key, reservation: key, amount }),
  fc.record({ type: fc.constant('void' as const), key, reservation: key }),
  fc.record({ type: fc.constant('expire' as const), reservation: key }),
);
const batches = fc.array(
  fc.record({ commands: fc.array(command, { minLength: 1, maxLength: 6 }), waitMs: fc.integer({ min: 0, max: 6 }) }),
  { minLength: 1, maxLength: 12 },
);

it('does what a naive ledger does, is balanced after every batch and verifies', () => {
  const property = fc.property(batches, (script) => {
    const ledger = new WholeLedger();
    const naive = new Naive();
    let now = 1_000;
    const open = NAMES.map((id) => ({ type: 'account' as const, id, kind: ACCOUNTS[id], asset: 'credit' }));
    ledger.execute(open, now);
    for (const { commands, waitMs } of script) {
      now += waitMs;
      expect(ledger.execute(commands, now)).toEqual(commands.map((one) => naive.do(one, now)));
      let sum = 0n;
      for (const { id, kind, credits, debits, reserved } of ledger.accounts.values()) {
        sum += credits - debits;
        expect(Number(credits - debits)).toBe(naive.money.get(id));
        expect(Number(credits - debits - reserved)).toBe(naive.spendable(id));
        if (kind === 'user' || kind === 'revenue') expect(credits - debits - reserved >= 0n).toBe(true);
      }
      expect(sum).toBe(0n);
    }
    expect(verified(ledger, ledger.entries).broken).toBeNull();
  });
  fc.assert(property, { numRuns: 200 });
});

it('finds an entry that the rules do not allow although all hashes are right', () => {
  const entry: Omit<LedgerEntry, 'hash'> = {
    ...{ seq: 3, type: 'transfer', key: 'k', requestHash: EMPTY_HEAD.hash, debit: 'bank', credit: 'shop', kind: null },
    ...{ asset: 'credit', amount: 1n, reservation: null, expiresAtMs: null, reference: null, memo: null, timeMs: 5 },
  };
  const judged = (changes: Partial<Omit<LedgerEntry, 'hash'>>) => {
    const ledger = new WholeLedger();
    ledger.execute([{ type: 'account', id: 'bank', kind: 'issuance', asset: 'credit' }], 5);
    ledger.execute([{ type: 'account', id: 'shop', kind: 'revenue', asset: 'credit' }], 5);
    const changed: Omit<LedgerEntry, 'hash'> = { ...entry, ...changes };
    const last = { ...changed, hash: entryHash(ledger.head.hash, changed) };
    return verified(ledger, [...ledger.entries, last]).broken;
  };
  // The head and the sums that the store keeps do not have it; it is sound itself.
  expect(judged({})?.reason).toBe('the journal should end with entry 2');
  for (const changes of [
    { type: 'post' },
    { type: 'void', amount: 0n },
    { type: 'reserve' },
    { expiresAtMs: 9 },
    { kind: 'guest' },
    { reservation: 'r' },
    { type: 'expire', reservation: 'r', amount: 1n },
  ] as const)
    expect(judged(changes)).toEqual({ seq: 3, reason: 'its fields are not those of its type' });
});

it('names the entry that was changed, whichever field it is', () => {
  const ledger = new WholeLedger();
  ledger.execute(
    NAMES.map((id) => ({ type: 'account', id, kind: ACCOUNTS[id], asset: 'credit' })),
    5,
  );
  ledger.execute(
    [
      { type: 'transfer', key: 'fund', debit: 'bank', credit: 'alice', amount: 50n, memo: '{}' },
      { type: 'reserve', key: 'r', debit: 'alice', credit: 'shop', amount: 9n, timeoutMs: 3, reference: 'talk' },
      { type: 'post', key: 'p', reservation: 'r', amount: 4n },
    ],
    6,
  );
  // None of them is the value of any field.
  const other = { number: 77, bigint: 77n, string: 'another', object: 'something' } as const;
  const place = fc.tuple(
    fc.integer({ min: 0, max: ledger.entries.length - 1 }),
    fc.constantFrom(...Object.keys(ledger.entries[0] as LedgerEntry)),
  );
  const property = fc.property(place, ([at, field]) => {
    const changed = ledger.entries.map((entry, index) => {
      const value = entry[field as keyof LedgerEntry];
      return index === at ? { ...entry, [field]: other[typeof value as keyof typeof other] } : entry;
    });
    const { broken, entries } = verified(ledger, changed);
    expect(entries).toBe(at);
    expect(broken?.seq).toBe(field === 'seq' ? 77 : at + 1);
  });
  fc.assert(property);
  expect(verified(ledger, ledger.entries.slice(0, -1)).broken).toMatchObject({ seq: ledger.entries.length });
});

function verified({ head, accounts, open }: WholeLedger, entries: readonly LedgerEntry[]) {
  const verifier = new Verifier();
  for (const entry of entries) if (!verifier.push(entry)) break;
  return verifier.finish(head, accounts.values(), open.values());
}
