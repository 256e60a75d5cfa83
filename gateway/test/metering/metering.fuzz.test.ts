import { GUEST, type Principal, SCOPES, silentLogger, systemClock } from '@blyan/interface';
import { DoubleEntryLedger } from '@blyan/ledger';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerId, decodeMemo, encodeMemo } from '../../src/metering/answer-memo.ts';
import type { Meter } from '../../src/metering/meter.ts';
import { Metering } from '../../src/metering/metering.ts';
import { parsePrices } from '../../src/metering/price-table.ts';
import { failing, MemoryLedger } from './ledger-fixture.ts';

const MODEL = { name: 'golden', root: 'a1'.repeat(32) };
const PROMPT = 7;
const MOST = 12;
const cost = (prompt: number, completion: number) => BigInt(2 * prompt + 3 * completion);
const WHOLE = cost(PROMPT, MOST);
/** Enough for one answer and a half. */
const FUNDS = (WHOLE * 3n) / 2n;

const principals: readonly Principal[] = [
  GUEST,
  ...['0xa', '0xb'].map((account): Principal => ({ kind: 'address', account, keyId: null, scopes: SCOPES })),
];

interface Running {
  readonly meter: Meter;
  readonly came: (tokens: number) => void;
  readonly answer: Answer;
}

/** What is known of an answer without the ledger. */
interface Answer {
  readonly id: string;
  readonly principal: Principal;
  /** Tokens that its journal has. */
  tokens: number;
  running: Running | null;
}

type Step =
  | { readonly type: 'begin'; readonly who: number }
  | { readonly type: 'tokens'; readonly which: number; readonly count: number }
  | { readonly type: 'end'; readonly which: number }
  | { readonly type: 'resume'; readonly which: number }
  | { readonly type: 'crash' }
  | { readonly type: 'fail'; readonly when: 'before' | 'after' };

class Life {
  readonly told: ReturnType<typeof failing>['told'];
  readonly #metering: Metering;
  readonly #books: MemoryLedger;
  readonly answers: Answer[];
  #requests = 0;

  private constructor(books: MemoryLedger, answers: Answer[], metering: Metering, told: Life['told']) {
    this.#books = books;
    this.answers = answers;
    this.#metering = metering;
    this.told = told;
  }

  static async begin(books: MemoryLedger, answers: Answer[] = []): Promise<Life> {
    const { store, told } = failing(books.store);
    const ledger = new DoubleEntryLedger({ store, clock: systemClock });
    await ledger.start();
    const prices = parsePrices(['*=0.000000000002/0.000000000003']);
    const metering = new Metering(
      { prices, isCharged: true },
      { ledger, store, clock: systemClock, logger: silentLogger },
    );
    await metering.start();
    return new Life(books, answers, metering, told);
  }

  /** The process is gone: what it still had to write may be written or not. */
  async crash(): Promise<Life> {
    for (const answer of this.answers) answer.running = null;
    return await Life.begin(this.#books, this.answers);
  }

  async do(step: Step): Promise<void> {
    if (step.type === 'fail') this.told.next = step.when;
    else if (step.type === 'begin') {
      const answer: Answer = {
        ...{ id: `answer ${this.answers.length}`, principal: principals[step.who] as Principal },
        ...{ tokens: 0, running: null },
      };
      if (await this.#run(answer, undefined)) this.answers.push(answer);
    } else if (step.type !== 'crash' && this.answers.length > 0) {
      const answer = this.answers[step.which % this.answers.length] as Answer;
      if (step.type === 'resume') {
        await this.#end(answer);
        await this.#run(answer, answer.tokens);
      } else if (step.type === 'end') await this.#end(answer);
      else if (answer.running !== null) {
        const count = Math.min(step.count, MOST - answer.tokens);
        answer.running.came(count);
        answer.tokens += count;
      }
    }
  }

  async end(): Promise<void> {
    this.told.next = null;
    for (const answer of this.answers) await this.#end(answer);
    await this.#metering.stop();
  }

  async #end(answer: Answer): Promise<void> {
    answer.running?.meter.close();
    answer.running = null;
  }

  async #run(answer: Answer, known: number | undefined): Promise<boolean> {
    const { id, principal } = answer;
    const requestId = `${id} request ${this.#requests++} ${Math.random()}`;
    try {
      const tokens = { prompt: PROMPT, cached: 0, completion: MOST };
      const meter = await this.#metering.open({ id, requestId, principal, model: MODEL, tokens, known });
      answer.running = { meter, answer, came: meter.prompt(PROMPT, known ?? 0).came };
      return true;
    } catch (error) {
      expect((error as { code: string }).code).toMatch(/^ERR_(GATEWAY_CREDIT|LEDGER_DISK_FULL)$/);
      return false;
    }
  }
}

const which = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('begin' as const), who: fc.nat({ max: 2 }) }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('tokens' as const), which, count: fc.nat({ max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('end' as const), which }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('resume' as const), which }) },
  { weight: 1, arbitrary: fc.constant({ type: 'crash' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('fail' as const), when: fc.constantFrom('before', 'after') }) },
);

test('answers, cancels, resumptions, crashes and a failing disk, in any order, leave sound books', async () => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24 }), async (steps) => {
    const books = new MemoryLedger();
    for (const { kind, account } of principals) if (kind !== 'guest') await books.fund(account, FUNDS);
    let life = await Life.begin(books);
    for (const one of steps) {
      if (one.type === 'crash') life = await life.crash();
      else await life.do(one);
      await assertSound(books);
    }
    await life.end();
    await assertSound(books);
    const isDisturbed = steps.some(({ type }) => type === 'crash' || type === 'fail');
    for (const { id, tokens } of life.answers) {
      const paid = paidFor(books, id);
      const whole = tokens === 0 ? 0n : cost(PROMPT, tokens);
      // What ended in a crash is not paid; nothing is ever paid twice.
      if (isDisturbed) expect(paid <= cost(PROMPT, tokens)).toBe(true);
      else expect([0n, cost(PROMPT, 0), whole]).toContain(paid);
      if (!isDisturbed && tokens > 0) expect(paid).toBe(whole);
    }
    // The next start finds nothing that is set aside for ever.
    await Life.begin(books);
    for (const { account } of principals) expect((await books.store.account(account))?.reserved ?? 0n).toBe(0n);
    await assertSound(books);
  });
  await fc.assert(property, { numRuns: 60 });
});

async function assertSound(books: MemoryLedger): Promise<void> {
  expect(books.wrong()).toBeNull();
  for (const { kind, credits, debits, reserved } of await books.store.accounts({ limit: 1_000 }))
    if (kind === 'user' || kind === 'revenue') expect(credits - debits - reserved >= 0n).toBe(true);
}

function paidFor(books: MemoryLedger, id: string): bigint {
  return books
    .entries()
    .filter(({ type, reference }) => type === 'post' && reference === answerId(id))
    .reduce((sum, { amount }) => sum + amount, 0n);
}

test('a memo is read as it was written, whatever the model is called, and nothing else is one', () => {
  const count = fc.nat();
  const name = fc.string({ unit: 'binary', maxLength: 150 });
  const memo = fc.record({
    model: name,
    root: fc.constant(MODEL.root),
    promptTokens: count,
    cachedTokens: count,
    completionTokens: count,
  });
  fc.assert(
    fc.property(memo, (given) => {
      const text = encodeMemo(given);
      expect(text.length).toBeLessThanOrEqual(1_024);
      expect(text.isWellFormed()).toBe(true);
      expect(decodeMemo(text)).toEqual({ ...given, model: given.model.slice(0, 100) });
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void expect(() => decodeMemo(text)).not.toThrow()));
  fc.assert(fc.property(fc.json(), (text) => void expect(() => decodeMemo(text)).not.toThrow()));
});

test('prices: what is exact to the base unit is taken, everything else is refused by its line', () => {
  const price = parsePrices(['*=0.5/1.5', 'a/b=c=0.000000000001/12/0']);
  expect(price.get('*')).toEqual({
    prompt: 500_000_000_000n,
    cachedPrompt: 500_000_000_000n,
    completion: 1_500_000_000_000n,
  });
  expect(price.get('a/b=c')).toEqual({ prompt: 1n, cachedPrompt: 0n, completion: 12_000_000_000_000n });
  for (const line of [
    '',
    '=1/1',
    'x',
    'x=1',
    'x=1/2/3',
    'x=1/2/1/1',
    'x=1/-1',
    'x=0.0000000000001/1',
    'x=1/',
    'x=1e3/1',
  ])
    expect(() => parsePrices(['*=1/1', line])).toThrow(expect.objectContaining({ code: 'ERR_GATEWAY_PRICES' }));
  expect(() => parsePrices(['x=1/1'])).toThrow(/"\*" is missing/);
  expect(() => parsePrices(['*=1/1', '*=1/2'])).toThrow(/twice/);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => {
      try {
        parsePrices(lines);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_GATEWAY_PRICES' });
      }
    }),
  );
});
