import { formatUnits } from '@blyan/api';
import {
  type AppError,
  type Clock,
  errorCode,
  GUEST_ACCOUNT,
  type Logger,
  type Principal,
  type ServedModel,
} from '@blyan/interface';
import { LedgerError } from '@blyan/ledger';
import { GatewayError } from '../errors.ts';
import { rateLimited } from '../limits/rate-limited.ts';
import type { GatewayLedger } from '../types.ts';
import { accountOf, REVENUE_ACCOUNT } from './accounts.ts';
import { answerId } from './answer-memo.ts';
import { type ChargedBefore, chargedBefore, chargedElsewhere, NEVER_CHARGED } from './charged-before.ts';
import { chargeOf, createMeter, type Meter } from './meter.ts';
import { FREE, type Price, type PriceTable, priceOf, type Tokens } from './price-table.ts';
import { Quotes } from './quotes.ts';
import { dueOf, memoOf, RESERVE_MS, type Settlement, settle } from './settlement.ts';
import { decodeUnsettled, encodeUnsettled, MAX_UNSETTLED } from './unsettled.ts';

const ANSWER = 'answer/';

const SWEEP_MS = 60_000;
/** Accounts that are known to be open. */
const MAX_KNOWN = 10_000;
const PAGE = 1_000;
/** Of one answer: a ledger gives 1,000, and what is not read would be charged again. The rest is for those under way now. */
const MAX_ENTRIES = 900;

/** What an answer is to be metered by. */
export interface MeteredAnswer {
  /** Of the answer: what was charged for it before is not charged again. */
  readonly id: string;
  /** Of the request that computes it now. */
  readonly requestId: string;
  readonly principal: Principal;
  readonly model: Pick<ServedModel, 'name' | 'root'>;
  /** The most that may be computed, what is known of a resumed answer included. */
  readonly tokens: Tokens;
  /** Tokens of a resumed answer that some gateway computed before. */
  readonly known?: number;
  /** The quote it is asked for by, if any. */
  readonly quote?: string;
}

export interface MeteringDeps extends GatewayLedger {
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface MeteringOptions {
  readonly prices: PriceTable;
  /** Whether those who signed in pay. Otherwise their answers are written down and cost nothing; guests owe in either case. */
  readonly isCharged: boolean;
}

/**
 * Every answer in the ledger: what it may cost is set aside before it is computed, what was produced is posted when it ends, and the
 * rest released. A crash in between leaves a reservation, which the next start releases, or, in a ledger that gateways share, any
 * of them an hour after it was made.
 */
export class Metering {
  readonly isCharged: boolean;
  readonly quotes: Quotes;
  readonly #prices: PriceTable;
  readonly #deps: MeteringDeps;
  readonly #known = new Set<string>();
  /** Keys of the reservations of answers under way. */
  readonly #open = new Set<string>();
  /** By answer: what is being written at its end. */
  readonly #closing = new Map<string, Promise<void>>();
  readonly #unsettled = new Map<string, Settlement>();
  /** What is kept of them beyond this life; null: not known. */
  #kept: string | null = null;
  #failure: AppError | null = null;
  #sweep: NodeJS.Timeout | undefined;

  constructor({ prices, isCharged }: MeteringOptions, deps: MeteringDeps) {
    this.isCharged = isCharged;
    this.quotes = new Quotes(deps.clock);
    this.#prices = prices;
    this.#deps = deps;
  }

  /**
   * Charges what an earlier life left to be charged, and releases the rest, where it cannot be another gateway's.
   *
   * @throws what a ledger throws, and what reading throws
   */
  async start(signal?: AbortSignal): Promise<void> {
    const { ledger, logger, isShared = false } = this.#deps;
    await this.#readUnsettled();
    await Promise.all([accountOf(GUEST_ACCOUNT), accountOf(REVENUE_ACCOUNT)].map((one) => ledger.openAccount(one)));
    await this.#settleAgain();
    const released = isShared ? 0 : await this.#releaseEarlier(signal);
    if (released > 0)
      logger.info('credits set aside for answers that a crash ended were released', { answers: released });
    this.#sweep = setInterval(() => void this.#tidy(), SWEEP_MS);
    this.#sweep.unref();
  }

  /**
   * Why the ledger took nothing when it was asked last. Where ends of answers wait for it, it is asked again every minute; where none
   * do, it is taken for sound a minute later, because only answers show whether it is. Null: it is.
   */
  get failure(): AppError | null {
    return this.#failure;
  }

  /** To be read. */
  get store(): GatewayLedger['store'] {
    return this.#deps.store;
  }

  /** Settles when every answer that has ended is in the ledger, is kept for the next start, or is lost, which is logged. */
  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all(this.#closing.values());
    await this.#settleAgain();
    const { size } = this.#unsettled;
    if (size === 0) return;
    if (this.#deps.unsettled !== undefined && this.#kept === encodeUnsettled(this.#unsettled.values()))
      this.#deps.logger.warn('answers that the ledger did not take are charged at the next start', { answers: size });
    else for (const settlement of this.#unsettled.values()) this.#lose(settlement, this.#failure?.code);
  }

  priceFor(principal: Principal, model: Pick<ServedModel, 'name' | 'root'>): Price {
    return principal.kind === 'guest' || this.isCharged ? priceOf(this.#prices, model) : FREE;
  }

  /**
   * Sets aside what the answer may cost; that is on disk when this settles.
   *
   * @throws GatewayError ERR_GATEWAY_CREDIT, ERR_GATEWAY_QUOTE_UNKNOWN, ERR_GATEWAY_QUOTE_EXCEEDED; LedgerError
   */
  async open(answer: MeteredAnswer): Promise<Meter> {
    const reference = answerId(answer.id);
    await this.#closing.get(reference);
    // What its first part set aside would be missing for this one.
    for (const one of [...this.#unsettled.values()].filter((each) => each.reference === reference))
      await this.#settle(one);
    const { principal, model, tokens, known, quote } = answer;
    const price = this.priceFor(principal, model);
    const { before, elsewhere } = await this.#before(reference, price, answer);
    const most =
      quote === undefined ? before.most : this.quotes.amountFor(quote, principal.account, model.root, tokens);
    const terms = { price, most, before };
    // The whole answer was paid before: it is only read again.
    if (known !== undefined && tokens.completion <= before.completion) return createMeter(terms, () => {});
    const reservation = ANSWER + answerId(answer.requestId);
    const of = { model: model.name, root: model.root, ...terms };
    const { amount } = chargeOf(terms, tokens);
    await this.#reserve(principal, reservation, { amount, reference, memo: memoOf(of, tokens, elsewhere) });
    this.#open.add(reservation);
    return createMeter(terms, (all) => {
      const settlement = { ...of, reference, reservation, account: principal.account, tokens: all };
      const done = this.#settle(settlement).finally(() => {
        if (this.#closing.get(reference) === done) this.#closing.delete(reference);
      });
      this.#closing.set(reference, done);
    });
  }

  async #reserve(
    { account }: Principal,
    key: string,
    rest: { readonly amount: bigint; readonly reference: string; readonly memo: string },
  ): Promise<void> {
    const { ledger } = this.#deps;
    // Asked in the same turn, and therefore in the same transaction.
    const opened = this.#known.has(account) ? null : ledger.openAccount(accountOf(account));
    const request = { key, debit: account, credit: REVENUE_ACCOUNT, timeoutMs: RESERVE_MS, ...rest };
    try {
      await Promise.all([opened, ledger.reserve(request)]);
    } catch (error) {
      this.#note(error);
      throw error instanceof LedgerError && error.code === 'ERR_LEDGER_INSUFFICIENT' ? noCredit(error) : error;
    }
    if (opened === null) return;
    const [oldest] = this.#known;
    if (this.#known.size >= MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    this.#known.add(account);
  }

  /** Of an answer that this ledger does not know, what is known of it counts as charged by the ledger of another gateway. */
  async #before(
    reference: string,
    price: Price,
    { known, tokens }: MeteredAnswer,
  ): Promise<{ readonly before: ChargedBefore; readonly elsewhere?: number }> {
    if (known === undefined) return { before: NEVER_CHARGED };
    const entries = await this.#deps.ledger.entriesOf(reference);
    if (entries.length >= MAX_ENTRIES) throw rateLimited('This answer was resumed too often', RESERVE_MS);
    if (entries.length > 0) return { before: chargedBefore(entries, price) };
    return { before: { ...NEVER_CHARGED, ...chargedElsewhere(tokens.prompt, known, price) }, elsewhere: known };
  }

  async #settle(settlement: Settlement): Promise<void> {
    const { logger, ledger } = this.#deps;
    const { reservation } = settlement;
    try {
      await settle(ledger, settlement);
      this.#forget(reservation);
    } catch (error) {
      const code = errorCode(error);
      if (error instanceof LedgerError && error.kind === 'caller') {
        this.#lose(settlement, code);
        return;
      }
      this.#note(error);
      logger.warn('the ledger cannot take the end of an answer; it is tried again', { code });
      // Behind the others: one that can never be written must not keep them from it.
      this.#unsettled.delete(reservation);
      if (this.#unsettled.size < MAX_UNSETTLED) this.#unsettled.set(reservation, settlement);
      else this.#lose(settlement, code);
    }
  }

  #lose(settlement: Settlement, code: string | undefined): void {
    const { reference, reservation, account } = settlement;
    const amount = String(dueOf(settlement)?.amount ?? 0n);
    this.#deps.logger.error('an answer could not be charged', { code, answer: reference, account, amount });
    this.#forget(reservation);
  }

  async #settleAgain(): Promise<void> {
    for (const settlement of [...this.#unsettled.values()]) {
      await this.#settle(settlement);
      // A ledger that is away would be waited for as often as there are answers.
      if (this.#unsettled.has(settlement.reservation)) break;
    }
    const { unsettled, logger } = this.#deps;
    const text = encodeUnsettled(this.#unsettled.values());
    // What was never read is not written over.
    if (this.#kept === null || this.#kept === text) return;
    try {
      await unsettled?.write(text);
      this.#kept = text;
    } catch (error) {
      logger.error('ends of answers that the ledger does not take cannot be kept', { code: errorCode(error) });
    }
  }

  async #readUnsettled(): Promise<void> {
    const text = (await this.#deps.unsettled?.read()) ?? '';
    const { settlements, unread } = decodeUnsettled(text);
    if (unread > 0) this.#deps.logger.error('ends of answers that were kept cannot be read', { answers: unread });
    for (const one of settlements) {
      this.#unsettled.set(one.reservation, one);
      this.#open.add(one.reservation);
    }
    this.#kept = text;
  }

  #forget(reservation: string): void {
    this.#open.delete(reservation);
    this.#unsettled.delete(reservation);
  }

  async #tidy(): Promise<void> {
    await this.#settleAgain();
    try {
      await this.#deps.ledger.expire({ except: this.#open });
      if (this.#unsettled.size === 0) this.#failure = null;
    } catch (error) {
      this.#note(error);
      this.#deps.logger.warn('reservations whose time is over could not be ended', { code: errorCode(error) });
    }
  }

  #note(error: unknown): void {
    if (error instanceof LedgerError && error.kind !== 'caller') this.#failure = error;
  }

  async #releaseEarlier(signal: AbortSignal | undefined): Promise<number> {
    const { ledger, store } = this.#deps;
    const limit = PAGE + this.#open.size;
    for (let released = 0; ; ) {
      signal?.throwIfAborted();
      const due = await store.due({ beforeMs: Number.MAX_SAFE_INTEGER, limit });
      const ours = due.filter(({ key }) => key.startsWith(ANSWER) && !this.#open.has(key));
      await Promise.all(ours.map(({ key }) => ledger.void({ key: `end/${key}`, reservation: key })));
      released += ours.length;
      if (due.length < limit || ours.length === 0) return released;
    }
  }
}

export function ledgerMissing(): GatewayError {
  return new GatewayError('ERR_GATEWAY_LEDGER_MISSING', 'This gateway keeps no ledger.');
}

function noCredit({ meta }: LedgerError): GatewayError {
  const [needed, available] = [meta.needed, meta.available].map((units) => formatUnits(String(units)));
  return new GatewayError(
    'ERR_GATEWAY_CREDIT',
    `This answer may cost up to ${needed} credits and the account has ${available} to spend: ask for fewer tokens (max_tokens), or ask the operator for credits.`,
    { kind: 'caller' },
  );
}
