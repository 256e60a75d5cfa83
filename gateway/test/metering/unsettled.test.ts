import { GUEST, type Logger, silentLogger, systemClock } from '@blyan/interface';
import { DoubleEntryLedger } from '@blyan/ledger';
import { expect, test } from 'vitest';
import { Metering } from '../../src/metering/metering.ts';
import { parsePrices } from '../../src/metering/price-table.ts';
import type { UnsettledStore } from '../../src/types.ts';
import { failing, MemoryLedger, posts } from './ledger-fixture.ts';

const MODEL = { name: 'golden', root: 'a1'.repeat(32) };
const PROMPT = 7;
const cost = (prompt: number, completion: number) => BigInt(2 * prompt + 3 * completion);

/** A place for what is to be charged, which may be full. */
class Shelf implements UnsettledStore {
  text = '';
  isFull = false;
  async read() {
    return this.text;
  }
  async write(text: string) {
    if (this.isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    this.text = text;
  }
}

class Log {
  readonly lines: [string, object | undefined][] = [];
  readonly logger: Logger = { ...silentLogger, error: (message, fields) => void this.lines.push([message, fields]) };
}

async function start(books: MemoryLedger, unsettled?: UnsettledStore) {
  const { store, told } = failing(books.store);
  const ledger = new DoubleEntryLedger({ store, clock: systemClock });
  await ledger.start();
  const { lines, logger } = new Log();
  const prices = parsePrices(['*=0.000000000002/0.000000000003']);
  const metering = new Metering({ prices, isCharged: true }, { ledger, store, unsettled, clock: systemClock, logger });
  await metering.start();
  /** Answers of so many tokens, which all have come. */
  const answer = async (id: string, completion: number) => {
    const tokens = { prompt: PROMPT, cached: 0, completion: 20 };
    const meter = await metering.open({ id, requestId: id, principal: GUEST, model: MODEL, tokens });
    meter.prompt(PROMPT, 0).came(completion);
    return meter;
  };
  return { metering, told, answer, lines };
}

const amounts = (books: MemoryLedger) => posts(books).map(({ amount }) => amount);

test('what the ledger does not take before the gateway stops is charged at the next start, once, also after a crash', async () => {
  const books = new MemoryLedger();
  const shelf = new Shelf();
  const { metering, told, answer, lines } = await start(books, shelf);
  const meters = [await answer('one', 3), await answer('two', 5)];
  await answer('a crash ends it', 9);
  told.next = 'always';
  for (const meter of meters) meter.close();
  await metering.stop();
  expect([amounts(books), lines]).toEqual([[], []]);
  expect(shelf.text.split('\n')).toHaveLength(3);

  const kept = shelf.text;
  const second = await start(books, shelf);
  expect(amounts(books).sort()).toEqual([cost(PROMPT, 3), cost(PROMPT, 5)]);
  expect([shelf.text, (await books.store.account('guest'))?.reserved]).toEqual(['', 0n]);
  await second.metering.stop();
  shelf.text = kept;
  await (await start(books, shelf)).metering.stop();
  expect([amounts(books).length, shelf.text, books.wrong()]).toEqual([2, '', null]);
});

test('what cannot be kept is logged with its amount', async () => {
  const full = new Shelf();
  for (const shelf of [undefined, full]) {
    const books = new MemoryLedger();
    const { metering, told, answer, lines } = await start(books, shelf);
    const meter = await answer('one', 3);
    told.next = 'always';
    full.isFull = true;
    meter.close();
    await metering.stop();
    const lost = { code: 'ERR_LEDGER_DISK_FULL', account: 'guest', amount: String(cost(PROMPT, 3)) };
    expect(lines.at(-1)).toEqual(['an answer could not be charged', { ...lost, answer: expect.any(String) }]);
    expect(lines).toHaveLength(shelf === undefined ? 1 : 2);
  }
});

test('what cannot be read of what was kept is told', async () => {
  const shelf = new Shelf();
  shelf.text = 'no line\n';
  const { metering, lines } = await start(new MemoryLedger(), shelf);
  expect(lines).toEqual([['ends of answers that were kept cannot be read', { answers: 1 }]]);
  await metering.stop();
});
