import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import type { AuthKind, AuthRecord } from './auth-store.ts';

/** Most of each kind that a store keeps. */
export const MOST_RECORDS: Readonly<Record<AuthKind, number>> = {
  challenge: 20_000,
  device: 10_000,
  session: 100_000,
  key: 100_000,
  trust: 100_000,
};

/**
 * Kinds of which the oldest makes room, so that nobody is kept out by them: wallets cost nothing, and who signs in with
 * many of them must not keep others from signing in. Whoever loses a session signs in again; a key is never lost.
 */
export const GIVES_WAY: ReadonlySet<AuthKind> = new Set(['challenge', 'device', 'session', 'trust']);

const stored = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  account: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number().nullable(),
  data: z.record(z.string(), z.unknown()),
});

/** Two that say the same are the same text. */
export function encodeRecord({ id, account, createdAtMs, expiresAtMs, data }: AuthRecord): string {
  return JSON.stringify({ id, account, createdAtMs, expiresAtMs, data });
}

/** Null for what is no record. */
export function decodeRecord(text: string): AuthRecord | null {
  try {
    return stored.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

export function isExpired({ expiresAtMs }: AuthRecord, nowMs: number): boolean {
  return expiresAtMs !== null && expiresAtMs <= nowMs;
}

export function byAge(records: readonly AuthRecord[]): readonly AuthRecord[] {
  return records.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}

export function authFull(kind: AuthKind, most: number): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_AUTH_FULL',
    `This gateway keeps ${most} ${kind}s already and takes no more: ask its operator, or another gateway.`,
  );
}
