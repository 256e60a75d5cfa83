import type { RecordList } from '@blyan/api';
import type { Chain, FinalBlock, RecordPlace } from '@blyan/interface';
import { listedRecord } from './chain-views.ts';

/**
 * Records that an account signed, the latest first.
 *
 * @param next - place of the last one that was told, `height.index`; null for the latest
 */
export async function recordsOfAuthor(
  chain: Chain,
  author: string,
  next: string | null,
  limit: number,
): Promise<RecordList> {
  const [height, index = 0] = next?.split('.').map(Number) ?? [];
  const found = await chain.recordsOf(author, height === undefined ? null : { height, index }, limit);
  const last = found.length < limit ? undefined : found.at(-1)?.place;
  return { data: await listed(chain, found), next: last ? `${last.height}.${last.index}` : null };
}

/**
 * Records of a block in its order.
 *
 * @param next - index of the first one to tell; null for 0
 */
export async function recordsOfBlock(
  chain: Chain,
  { hash: blockHash, height, recordHashes }: FinalBlock,
  next: string | null,
  limit: number,
): Promise<RecordList> {
  const from = Math.trunc(Number(next ?? 0));
  const hashes = recordHashes.slice(from, from + limit);
  const found = hashes.map((hash, at) => ({ hash, place: { height, blockHash, index: from + at } }));
  const end = from + limit;
  return { data: await listed(chain, found), next: end < recordHashes.length ? String(end) : null };
}

/** One after the other: together they could be hundreds of megabytes. */
async function listed(
  chain: Chain,
  records: readonly { readonly hash: string; readonly place: RecordPlace }[],
): Promise<RecordList['data']> {
  const data: RecordList['data'] = [];
  for (const { hash, place } of records)
    data.push(listedRecord(hash, (await chain.record(hash))?.bytes ?? null, place));
  return data;
}
