import { TRUST_LEVELS, type TrustLevel } from '@blyan/api';

export interface TrustLimits {
  readonly requestsPerMinute: number;
  /** Of prompts and answers together. */
  readonly tokensPerMinute: number;
  /** Answers at the same time. */
  readonly streams: number;
  readonly requestsPerDay: number;
}

/** Requests a day are those that the first Blyan allowed per hour (100, 1,000, 10,000), times 24. */
export const TRUST_LIMITS: Readonly<Record<TrustLevel, TrustLimits>> = {
  newbie: { requestsPerMinute: 60, tokensPerMinute: 60_000, streams: 4, requestsPerDay: 2_400 },
  trusted: { requestsPerMinute: 300, tokensPerMinute: 300_000, streams: 16, requestsPerDay: 24_000 },
  expert: { requestsPerMinute: 1_200, tokensPerMinute: 1_200_000, streams: 64, requestsPerDay: 240_000 },
};

/** The lowest share of good answers that is believed of an account at each level. */
export const TRUST_FROM: Readonly<Record<TrustLevel, number>> = { newbie: 0, trusted: 0.9, expert: 0.98 };
/** Bad ones in a row that end all trust. */
const DEMOTED_AFTER = 5;
/** Good answers that count on one day: trust takes days, whoever is fast. */
export const GOOD_PER_DAY = 10;
const DAY_MS = 24 * 60 * 60_000;
/** Of the normal distribution, for 95 % (two-sided). */
const Z = 1.96;

/** What is known of an account's answers. */
export interface TrustRecord {
  readonly good: number;
  readonly bad: number;
  readonly badInRow: number;
  /** Days since 1970 of the last good one, and how many counted then. */
  readonly day: number;
  readonly goodToday: number;
}

export const NO_TRUST: TrustRecord = Object.freeze({ good: 0, bad: 0, badInRow: 0, day: 0, goodToday: 0 });

/**
 * Lower bound of the Wilson score interval (Wilson 1927): the share of successes that `good` of `total` still make
 * believable at 95 %. 0 without any; few successes say little: 3 of 3 give 0.44, 35 of 35 give 0.90.
 */
export function wilsonLowerBound(good: number, total: number): number {
  // What the formula gives but for rounding.
  if (good === 0) return 0;
  const share = good / total;
  const spread = Z * Math.sqrt((share * (1 - share) + Z ** 2 / (4 * total)) / total);
  return (share + Z ** 2 / (2 * total) - spread) / (1 + Z ** 2 / total);
}

export function trustLevel({ good, bad }: TrustRecord): TrustLevel {
  const bound = wilsonLowerBound(good, good + bad);
  return bound >= TRUST_FROM.expert ? 'expert' : bound >= TRUST_FROM.trusted ? 'trusted' : 'newbie';
}

/** The level after the account's own, and the good answers without a bad one that it takes; null at the highest. */
export function nextLevel(record: TrustRecord): { readonly level: TrustLevel; readonly goodMissing: number } | null {
  const level = TRUST_LEVELS[TRUST_LEVELS.indexOf(trustLevel(record)) + 1];
  if (level === undefined) return null;
  const reaches = (more: number) =>
    wilsonLowerBound(record.good + more, record.good + record.bad + more) >= TRUST_FROM[level];
  let enough = 1;
  while (!reaches(enough)) enough *= 2;
  let few = Math.floor(enough / 2);
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (reaches(middle)) enough = middle;
    else few = middle;
  }
  return { level, goodMissing: enough };
}

/** Good answers of this day that counted. */
export function goodOfToday({ day, goodToday }: TrustRecord, nowMs: number): number {
  return day === Math.floor(nowMs / DAY_MS) ? Math.min(goodToday, GOOD_PER_DAY) : 0;
}

/** The record after an answer that reached its end, or after one that the client spoilt. */
export function afterAnswer(record: TrustRecord, isGood: boolean, nowMs: number): TrustRecord {
  if (!isGood) {
    const badInRow = record.badInRow + 1;
    return badInRow >= DEMOTED_AFTER ? NO_TRUST : { ...record, bad: record.bad + 1, badInRow };
  }
  const day = Math.floor(nowMs / DAY_MS);
  const goodToday = (record.day === day ? record.goodToday : 0) + 1;
  if (goodToday > GOOD_PER_DAY) return { ...record, badInRow: 0 };
  return { ...record, good: record.good + 1, badInRow: 0, day, goodToday };
}
