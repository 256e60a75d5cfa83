import { createHash } from 'node:crypto';
import type { LedgerEntry } from '@blyan/interface';
import { LedgerFile } from '@blyan/ledger';
import type { Seen } from './clients.ts';

const PAGE = 1_000;

/** Base units a token, as the gateway was told. */
export interface DrillPrice {
  readonly prompt: bigint;
  readonly cachedPrompt: bigint;
  readonly completion: bigint;
}

/** The one of a gateway whose operator says nothing. */
export const DEFAULT_PRICE: DrillPrice = {
  prompt: 500_000_000_000n,
  cachedPrompt: 125_000_000_000n,
  completion: 1_500_000_000_000n,
};

export interface Judged {
  readonly entries: number;
  readonly posted: number;
  /** Answers that their clients have whole and that a crash left unpaid. */
  readonly unpaid: number;
  readonly voided: number;
  readonly problems: readonly string[];
}

/**
 * What the ledger of a gateway says of the answers of its lives so far. The gateway may run, but must not be answering.
 *
 * @param seen what clients know of them
 */
export function judgeLedger(path: string, seen: readonly Seen[], price: DrillPrice): Judged {
  using file = new LedgerFile({ path, readOnly: true });
  const problems: string[] = [];
  for (const { asset, debits, credits } of file.trialBalance())
    if (debits !== credits) problems.push(`the trial balance of ${asset} is ${debits - credits}`);
  const { entries: count, open, broken } = file.verify();
  if (broken !== null) problems.push(`entry ${broken.seq}: ${broken.reason}`);
  if (open > 0) problems.push(`${open} reservations are open`);
  const reserves = new Map<string, LedgerEntry>();
  const ends = new Map<string, LedgerEntry[]>();
  for (let after = 0; ; ) {
    const page = file.entries({ after, limit: PAGE });
    for (const entry of page) {
      if (entry.type === 'reserve') reserves.set(entry.key, entry);
      if (entry.reservation !== null) ends.set(entry.reservation, [...(ends.get(entry.reservation) ?? []), entry]);
    }
    if (page.length < PAGE) break;
    after = page.at(-1)?.seq ?? 0;
  }
  const endOf = new Map<string, LedgerEntry>();
  for (const [key, reserve] of reserves) {
    const [end, ...others] = ends.get(key) ?? [];
    if (end === undefined || others.length > 0) {
      problems.push(`${key} ended ${others.length + (end === undefined ? 0 : 1)} times`);
      continue;
    }
    if (reserve.reference !== null) endOf.set(reserve.reference, end);
    if (end.type === 'post') problems.push(...wrongPost(reserve, end, price));
  }
  let unpaid = 0;
  for (const answer of seen) {
    const end = endOf.get(referenceOf(answer.requestId));
    if (end === undefined) problems.push(`an answer (${answer.how}) is not in the ledger`);
    else if (end.type === 'post') problems.push(...wrongTokens(answer, tokensOf(end)));
    else if (answer.usage !== null) unpaid += 1;
  }
  const kinds = [...endOf.values()].map(({ type }) => type);
  const posted = kinds.filter((type) => type === 'post').length;
  return { entries: count, posted, unpaid, voided: kinds.length - posted, problems };
}

function wrongPost(reserve: LedgerEntry, post: LedgerEntry, price: DrillPrice): string[] {
  const { promptTokens, cachedTokens, completionTokens } = tokensOf(post);
  const computed = price.prompt * BigInt(promptTokens - cachedTokens) + price.cachedPrompt * BigInt(cachedTokens);
  const amount = computed + price.completion * BigInt(completionTokens);
  if (post.amount === amount && amount <= reserve.amount) return [];
  return [`entry ${post.seq} posts ${post.amount} for ${promptTokens} + ${completionTokens} tokens`];
}

/** Who left before the end cannot have seen more than was computed. */
function wrongTokens({ usage, counted, how }: Seen, paid: ReturnType<typeof tokensOf>): string[] {
  const isRight =
    usage === null
      ? paid.completionTokens >= counted
      : usage.promptTokens === paid.promptTokens && usage.completionTokens === paid.completionTokens;
  if (isRight) return [];
  const said = usage === null ? `${counted} counted` : `${usage.promptTokens} + ${usage.completionTokens}`;
  return [`an answer (${how}) of ${said} tokens is posted as ${paid.promptTokens} + ${paid.completionTokens}`];
}

function tokensOf({ memo }: LedgerEntry): {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
} {
  return JSON.parse(memo ?? '{}');
}

/** As the gateway names answers in the ledger. */
function referenceOf(requestId: string): string {
  return createHash('sha256').update(requestId).digest('hex').slice(0, 32);
}
