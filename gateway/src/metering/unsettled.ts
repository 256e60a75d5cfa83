import { z } from 'zod';
import type { Settlement } from './settlement.ts';

/** Ends of answers that the ledger could not take, which are tried again. */
export const MAX_UNSETTLED = 10_000;

const count = z
  .int()
  .min(0)
  .max(2 ** 40);
const units = z
  .string()
  .regex(/^\d{1,39}$/)
  .transform(BigInt);
const name = z.string().max(128);
const tokens = z.object({ prompt: count, cached: count, completion: count });
const settlement = z.object({
  reference: name,
  reservation: name,
  account: name,
  model: z.string(),
  root: name,
  price: z.object({ prompt: units, cachedPrompt: units, completion: units }),
  most: units.nullable(),
  tokens: tokens.nullable(),
  before: z.object({ ...tokens.shape, amount: units, most: units.nullable(), times: count }),
});

/** A line of JSON each; amounts are texts. */
export function encodeUnsettled(settlements: Iterable<Settlement>): string {
  const line = (one: Settlement) =>
    `${JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`;
  return Array.from(settlements, line).join('');
}

/** @returns what can be read, at most 10,000, and how many lines are left out */
export function decodeUnsettled(text: string): { readonly settlements: Settlement[]; readonly unread: number } {
  const lines = text.split('\n').filter((line) => line !== '');
  const settlements = lines.slice(0, MAX_UNSETTLED).flatMap((line) => read(line) ?? []);
  return { settlements, unread: lines.length - settlements.length };
}

function read(line: string): Settlement | null {
  try {
    return settlement.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
