/** Keys from `from` (included) to `to` (excluded), by code unit. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
  /** Last key first. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** One change of a batch; null removes the key. */
export interface StoreWrite {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** Reads are synchronous: they come from memory or the operating system's page cache. Values must not be changed in place. */
export interface KeyValueReader {
  get(key: string): Uint8Array | undefined;
  entries(range: KeyRange): AsyncIterable<readonly [key: string, value: Uint8Array]>;
}

/** What the store held when the snapshot was made, whatever is written since. */
export interface KeyValueSnapshot extends KeyValueReader {
  close(): Promise<void>;
}

/** An ordered map on disk. Keys are printable ASCII without spaces, at most 512 characters. */
export interface KeyValueStore extends KeyValueReader {
  /**
   * All writes or, after a crash, none of them; of one key the last wins. With `sync` they are on disk when it settles, and
   * so is everything written before. Batches take effect in the order of the calls, and `get` sees them at once.
   * @throws ERR_STORE_DISK_FULL, ERR_STORE_IO when the disk refuses: readers see nothing of the batch then, later writes fail
   *   as well, and a store that is opened again has all of it or nothing
   */
  write(batch: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void>;
  snapshot(): KeyValueSnapshot;
  close(): Promise<void>;
}
