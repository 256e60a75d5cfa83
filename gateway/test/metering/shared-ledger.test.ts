import { GUEST, type Principal, SCOPES, silentLogger } from '@blyan/interface';
import { DoubleEntryLedger } from '@blyan/ledger';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Meter } from '../../src/metering/meter.ts';
import { Metering } from '../../src/metering/metering.ts';
import { parsePrices } from '../../src/metering/price-table.ts';
import { TestClock } from '../auth/browser.ts';
import { failing, MemoryLedger, posts } from './ledger-fixture.ts';

const MODEL = { name: 'golden', root: 'a1'.repeat(32) };
const PROMPT = 7;
const MOST = 12;
const cost = (prompt: number, completion: number) => BigInt(2 * prompt + 3 * completion);
const PAYER: Principal = { kind: 'address', account: '0xa', keyId: null, scopes: SCOPES };

/** Of resumed answers: no two requests share an id. */
let requests = 0;

/** One of the gateways of a ledger. */
class Gateway {
  readonly told: ReturnType<typeof failing>['told'];
  readonly metering: Metering;

  private constructor(metering: Metering, told: Gateway['told']) {
    this.metering = metering;
    this.told = told;
  }

  static async start(books: MemoryLedger, clock: TestClock): Promise<Gateway> {
    const { store, told } = failing(books.store);
    const ledger = new DoubleEntryLedger({ store, clock });
    await ledger.start();
    const prices = parsePrices(['*=0.000000000002/0.000000000003']);
    const deps = { ledger, store, isShared: true, clock, logger: silentLogger };
    const metering = new Metering({ prices, isCharged: true }, deps);
    await metering.start();
    return new Gateway(metering, told);
  }

  /** @param known of a resumed answer */
  async open(known?: number, principal = GUEST): Promise<{ meter: Meter; came: (tokens: number) => void }> {
    const requestId = known === undefined ? 'answer' : `resumed ${requests++}`;
    const tokens = { prompt: PROMPT, cached: 0, completion: MOST };
    const meter = await this.metering.open({ id: 'answer', requestId, principal, model: MODEL, tokens, known });
    return { meter, came: meter.prompt(PROMPT, known ?? 0).came };
  }
}

async function gateways() {
  const books = new MemoryLedger();
  const clock = new TestClock();
  const [a, b] = [await Gateway.start(books, clock), await Gateway.start(books, clock)];
  const amounts = async () => {
    await Promise.all([a.metering.stop(), b.metering.stop()]);
    expect(books.wrong()).toBeNull();
    return posts(books).map(({ amount }) => amount);
  };
  return { books, clock, a, b, amounts };
}

test('of gateways that end an answer at the same moment, each is paid for what the others are not', async () => {
  const { a, b, amounts } = await gateways();
  const first = await a.open();
  first.came(5);
  const second = await b.open(4);
  second.came(4);
  second.meter.close();
  first.meter.close();
  expect((await amounts()).reduce((sum, one) => sum + one)).toBe(cost(PROMPT, 8));
});

test('an answer that a gateway of another ledger began is charged there, however often it is resumed', async () => {
  const { a, b, amounts } = await gateways();
  for (const [gateway, known, tokens] of [
    [a, 5, 2],
    [b, 6, 3],
  ] as const) {
    const { meter, came } = await gateway.open(known);
    came(tokens);
    meter.close();
    await gateway.metering.stop();
  }
  expect(await amounts()).toEqual([cost(0, 2), cost(0, 2)]);
});

test('an answer that took so long that another gateway released what was set aside for it is charged, once', async () => {
  const { books, clock, a, amounts } = await gateways();
  await books.fund('0xa', cost(PROMPT, MOST), clock);
  const { meter, came } = await a.open(undefined, PAYER);
  came(8);
  clock.ms += 61 * 60_000;
  const { ledger } = await books.open(clock);
  expect(await ledger.expire()).toBe(1);
  a.told.next = 'after';
  meter.close();
  await a.metering.stop();
  expect(await amounts()).toEqual([cost(PROMPT, 8)]);
  expect(await books.store.account('0xa')).toMatchObject({ debits: cost(PROMPT, 8), reserved: 0n });
});

const gateway = fc.constantFrom('a' as const, 'b' as const);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('open' as const), gateway }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('tokens' as const), gateway, count: fc.nat({ max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('end' as const), gateway }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('fail' as const),
      gateway,
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
);

test('whatever two gateways do with an answer in whatever order, it is charged once for the most that came', async () => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24 }), async (steps) => {
    const { books, clock, amounts, ...at } = await gateways();
    const running: { [key in 'a' | 'b']?: Awaited<ReturnType<Gateway['open']>> & { has: number } } = {};
    let most = 0;
    const end = (which: 'a' | 'b') => {
      running[which]?.meter.close();
      delete running[which];
    };
    const first = await at.a.open();
    running.a = { ...first, has: 0 };
    for (const one of steps) {
      const { gateway: which } = one;
      const run = running[which];
      if (one.type === 'fail') at[which].told.next = one.when;
      else if (one.type === 'open') {
        end(which);
        // What the journal has may be less than what came.
        const known = Math.max(0, most - 1);
        const opened = await at[which].open(known).catch(() => null);
        if (opened !== null) running[which] = { ...opened, has: known };
      } else if (one.type === 'end') end(which);
      else if (run !== undefined && one.count > 0) {
        const count = Math.min(one.count, MOST - run.has);
        run.came(count);
        run.has += count;
        most = Math.max(most, run.has);
      }
    }
    for (const which of ['a', 'b'] as const) {
      at[which].told.next = null;
      end(which);
    }
    const sum = (await amounts()).reduce((all, amount) => all + amount, 0n);
    expect(sum).toBe(most === 0 ? 0n : cost(PROMPT, most));
    // A reservation of which nobody knows whether it was written runs out.
    clock.ms += 61 * 60_000;
    await (await books.open(clock)).ledger.expire();
    expect((await books.store.account('guest'))?.reserved).toBe(0n);
  });
  await fc.assert(property, { numRuns: 40 });
});
