import type { Rate } from './token-buckets.ts';

/** One limit as the headers tell it. */
export interface Gauge {
  readonly name: 'requests' | 'tokens' | 'day';
  readonly rate: Rate;
  readonly left: number;
}

/** Names of the headers below, which pages of other origins may read. */
export const RATE_HEADERS = ['ratelimit', 'ratelimit-policy'].concat(
  ['limit', 'remaining', 'reset'].flatMap((what) => [`x-ratelimit-${what}-requests`, `x-ratelimit-${what}-tokens`]),
);

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, quota `q` in a window of `w` seconds, `r` left,
 * all of it again in `t` seconds), and the `x-ratelimit-…` that tools for OpenAI show.
 */
export function rateHeaders(gauges: readonly Gauge[]): Record<string, string> {
  const headers: Record<string, string> = {
    'ratelimit-policy': gauges.map(({ name, rate }) => `"${name}";q=${rate.size};w=${rate.periodMs / 1000}`).join(', '),
    ratelimit: gauges.map((gauge) => `"${gauge.name}";r=${remaining(gauge)};t=${resetSeconds(gauge)}`).join(', '),
  };
  for (const gauge of gauges) {
    if (gauge.name === 'day') continue;
    headers[`x-ratelimit-limit-${gauge.name}`] = String(gauge.rate.size);
    headers[`x-ratelimit-remaining-${gauge.name}`] = String(remaining(gauge));
    headers[`x-ratelimit-reset-${gauge.name}`] = `${resetSeconds(gauge)}s`;
  }
  return headers;
}

function remaining({ left }: Gauge): number {
  return Math.max(0, Math.floor(left));
}

function resetSeconds({ left, rate }: Gauge): number {
  return Math.ceil(((rate.size - left) / rate.size) * (rate.periodMs / 1000));
}
