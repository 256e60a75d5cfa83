import { type CryptoSuite, decodeRecord, type HashedRecord, hashRecord, verifyRecord } from '@blyan/chain-format';
import { errorCode, type Hash, type NetworkId } from '@blyan/interface';
import { MAX_BLOCK_BYTES } from '@blyan/params';

/** What waits to be judged with its block; four blocks of the longest kind. */
const MAX_FETCHED_BYTES = 4 * MAX_BLOCK_BYTES;

/** A record in a good shape and of its author, or the code of what is wrong with it. */
export type FetchedRecord = { readonly record: HashedRecord } | { readonly code: string };

interface Entry {
  readonly bytes: Uint8Array;
  /** Once it was looked at. */
  verdict: FetchedRecord | null;
}

/** Records that came for a block and not through the pool. Each is decoded and verified once, and when it is needed. */
export class FetchedRecords {
  readonly #entries = new Map<Hash, Entry>();
  readonly #network: NetworkId;
  readonly #suite: CryptoSuite;
  #bytes = 0;

  constructor(network: NetworkId, suite: CryptoSuite) {
    this.#network = network;
    this.#suite = suite;
  }

  /** Beyond the bound, what came first goes. */
  add(bytes: Uint8Array): void {
    const hash = hashRecord(bytes, this.#suite);
    if (this.#entries.has(hash)) return;
    this.#entries.set(hash, { bytes, verdict: null });
    this.#bytes += bytes.length;
    while (this.#bytes > MAX_FETCHED_BYTES) this.delete(this.#entries.keys().next().value as Hash);
  }

  get(hash: Hash): FetchedRecord | undefined {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return undefined;
    entry.verdict ??= this.#verify(entry.bytes);
    return entry.verdict;
  }

  delete(hash: Hash): void {
    this.#bytes -= this.#entries.get(hash)?.bytes.length ?? 0;
    this.#entries.delete(hash);
  }

  #verify(bytes: Uint8Array): FetchedRecord {
    try {
      const record = decodeRecord(bytes, this.#suite);
      verifyRecord(record, this.#network, this.#suite);
      return { record };
    } catch (error) {
      return { code: errorCode(error) };
    }
  }
}
