import { ApiClientError, type ChainClient, PAGE_PATHS } from '@blyan/api';

/** Where a page of the explorer is, of a block, a record or an account. */
export const blockPath = (height: number | string) => PAGE_PATHS.explorerBlock.replace(':height', String(height));
export const recordPath = (hash: string) => PAGE_PATHS.explorerRecord.replace(':hash', hash);
export const accountPath = (address: string) => PAGE_PATHS.explorerAccount.replace(':id', address);
export const nodePath = (peerId: string) => PAGE_PATHS.node.replace(':peerId', peerId);

/**
 * The path of what somebody looks for: a height, the id of a peer, or 64 hexadecimal digits that are asked for as record
 * and as block and otherwise are an address. Null for a text that is nothing of that.
 */
export async function searchTarget(
  text: string,
  chain: Pick<ChainClient, 'record' | 'block'>,
  signal: AbortSignal,
): Promise<string | null> {
  const wanted = text.trim().replace(/^0x/i, '');
  if (/^\d{1,15}$/.test(wanted)) return blockPath(Number(wanted));
  if (/^(12D3KooW|Qm)[1-9A-HJ-NP-Za-km-z]{30,60}$/.test(wanted)) return nodePath(wanted);
  const hash = wanted.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hash)) return null;
  const record = await known(chain.record(hash, signal));
  if (record !== null) return recordPath(hash);
  const block = await known(chain.block(hash, signal));
  return block === null ? accountPath(hash) : blockPath(block.height);
}

/** Null for what the node does not know. */
async function known<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiClientError && error.meta.status === 404) return null;
    throw error;
  }
}
