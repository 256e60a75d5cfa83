import type { TrustLevel } from '@blyan/api';
import type { Clock, Principal } from '@blyan/interface';
import type { AuthStore } from '../auth/auth-store.ts';
import { secretId } from '../auth/secret.ts';
import { GatewayError } from '../errors.ts';
import { networkOf } from './network-of.ts';
import { type Gauge, rateHeaders } from './rate-headers.ts';
import { rateLimited } from './rate-limited.ts';
import { type Rate, TokenBuckets } from './token-buckets.ts';
import { afterAnswer, NO_TRUST, TRUST_LIMITS, type TrustRecord, trustLevel } from './trust.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A key may use this share of its account's rates, so that a program gone wild leaves room for the person. */
const KEY_SHARE = 0.5;
/** Accounts whose refusals are remembered. */
const MAX_REFUSED = 10_000;

/** The right to one answer. */
export interface Ticket {
  /** Tokens of the answer that came. */
  used(tokens: number): void;
  /** Gives the place back. @param outcome `good` (if any token came), `bad` when the client spoilt it, null for neither */
  close(outcome: 'good' | 'bad' | null): void;
}

export const UNLIMITED: Ticket = Object.freeze({ used: () => {}, close: () => {} });

export interface Admission {
  /** Whom the limits are of: an account, or `guest` and the address it comes from. */
  readonly subject: string;
  readonly keyId: string | null;
  readonly promptTokens: number;
}

export interface Usage {
  readonly level: TrustLevel;
  readonly trust: TrustRecord;
  readonly gauges: readonly Gauge[];
  /** Answers under way. */
  readonly streams: number;
}

/** How much each account, key and guest may ask for. What is over a limit is refused before anything is computed. */
export class Limits {
  readonly #store: AuthStore;
  readonly #clock: Clock;
  readonly #buckets: TokenBuckets;
  readonly #streams = new Map<string, number>();
  /** Until when those who were refused were told to wait. */
  readonly #refused = new Map<string, number>();

  constructor(store: AuthStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#buckets = new TokenBuckets(clock);
  }

  /**
   * Takes a place for an answer, or says what is used up. Gets the headers that tell the limits in either case.
   *
   * @throws GatewayError ERR_GATEWAY_RATE_LIMITED, ERR_GATEWAY_TOO_MANY_STREAMS, ERR_GATEWAY_QUOTA
   */
  async admit(
    { subject, keyId, promptTokens }: Admission,
    tell: (headers: Record<string, string>) => void,
  ): Promise<Ticket> {
    const level = trustLevel(await this.#trustOf(subject));
    const mine = bucketsOf(subject, level, 1);
    const all = keyId === null ? [mine] : [bucketsOf(`key ${keyId}`, level, KEY_SHARE), mine];
    const told = all[0] ?? mine;
    const open = this.#streams.get(subject) ?? 0;
    try {
      for (const { requests, tokens, day } of all) {
        this.#assertLeft(subject, requests, 1, 'requests in a minute');
        this.#assertLeft(subject, tokens, promptTokens, 'tokens in a minute');
        const waitMs = this.#buckets.waitMs(day.key, day.rate);
        if (waitMs > 0) throw quotaUsed(day.rate.size, waitMs);
      }
      const { streams } = TRUST_LIMITS[level];
      if (open >= streams) throw tooManyStreams(streams);
      for (const { requests, tokens, day } of all) {
        this.#charge(requests, 1);
        this.#charge(tokens, promptTokens);
        this.#charge(day, 1);
      }
    } finally {
      tell(rateHeaders(this.#gauges(told)));
    }
    this.#streams.set(subject, open + 1);
    let isOpen = true;
    let came = 0;
    return {
      used: (count) => {
        came += count;
        for (const { tokens } of all) this.#charge(tokens, count);
      },
      close: (outcome) => {
        if (!isOpen) return;
        isOpen = false;
        const left = (this.#streams.get(subject) ?? 1) - 1;
        if (left === 0) this.#streams.delete(subject);
        else this.#streams.set(subject, left);
        if (outcome === 'bad' || (outcome === 'good' && came > 0)) void this.#judge(subject, outcome === 'good');
      },
    };
  }

  async usage(subject: string): Promise<Usage> {
    const trust = await this.#trustOf(subject);
    const level = trustLevel(trust);
    const gauges = this.#gauges(bucketsOf(subject, level, 1));
    return { level, trust, gauges, streams: this.#streams.get(subject) ?? 0 };
  }

  #assertLeft(subject: string, { key, rate }: Named, cost: number, what: string): void {
    const waitMs = this.#buckets.waitMs(key, rate, cost);
    if (waitMs === 0) return;
    this.#refuse(subject, waitMs);
    throw rateLimited(`This is more than ${rate.size} ${what}`, waitMs);
  }

  /** Who asks again before the time is up spoils a little of the trust. */
  #refuse(subject: string, waitMs: number): void {
    const nowMs = this.#clock.nowMs();
    if ((this.#refused.get(subject) ?? 0) > nowMs) void this.#judge(subject, false);
    this.#refused.delete(subject);
    this.#refused.set(subject, nowMs + waitMs);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > MAX_REFUSED && oldest !== undefined) this.#refused.delete(oldest);
  }

  #charge({ key, rate }: Named, cost: number): void {
    this.#buckets.charge(key, rate, cost);
  }

  #gauges(buckets: Buckets): Gauge[] {
    return (['requests', 'tokens', 'day'] as const).map((name) => {
      const { key, rate } = buckets[name];
      return { name, rate, left: this.#buckets.left(key, rate) };
    });
  }

  async #trustOf(subject: string): Promise<TrustRecord> {
    if (isGuest(subject)) return NO_TRUST;
    const record = await this.#store.get('trust', secretId(subject));
    return record === null ? NO_TRUST : { ...NO_TRUST, ...record.data };
  }

  async #judge(subject: string, isGood: boolean): Promise<void> {
    if (isGuest(subject)) return;
    try {
      const before = await this.#trustOf(subject);
      const data = { ...afterAnswer(before, isGood, this.#clock.nowMs()) };
      const createdAtMs = this.#clock.nowMs();
      const record = { id: secretId(subject), account: subject, createdAtMs, expiresAtMs: null, data };
      await this.#store.put('trust', record, false);
    } catch {
      // A store that cannot be used now costs the account nothing but time.
    }
  }
}

interface Named {
  readonly key: string;
  readonly rate: Rate;
}

interface Buckets {
  readonly requests: Named;
  readonly tokens: Named;
  readonly day: Named;
}

function bucketsOf(name: string, level: TrustLevel, share: number): Buckets {
  const { requestsPerMinute, tokensPerMinute, requestsPerDay } = TRUST_LIMITS[level];
  const named = (kind: string, size: number, periodMs: number): Named => ({
    key: `${kind} ${name}`,
    rate: { size: Math.ceil(size * share), periodMs },
  });
  return {
    requests: named('requests', requestsPerMinute, MINUTE_MS),
    tokens: named('tokens', tokensPerMinute, MINUTE_MS),
    day: named('day', requestsPerDay, DAY_MS),
  };
}

/** Whom limits are of: the account, or where a guest comes from. */
export function limitSubject({ kind, account }: Principal, remoteAddress: string): string {
  return kind === 'guest' ? `guest ${networkOf(remoteAddress)}` : account;
}

function isGuest(subject: string): boolean {
  return subject.startsWith('guest ');
}

function tooManyStreams(most: number): GatewayError {
  const message = `${most} answers of this account are under way already, which is its limit: wait for one to end.`;
  return new GatewayError('ERR_GATEWAY_TOO_MANY_STREAMS', message, { kind: 'caller' });
}

function quotaUsed(perDay: number, waitMs: number): GatewayError {
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  const message = `The ${perDay} requests of a day are used up; they come back over a day, the next one in ${retryAfterSeconds} s.`;
  return new GatewayError('ERR_GATEWAY_QUOTA', message, { kind: 'caller', meta: { retryAfterSeconds } });
}
