/** Named files that are written whole. Names are lower-case letters, digits, dots and dashes, at most 128 characters. */
export interface BlobStore {
  /** Null when there is none of that name. */
  get(name: string): Promise<Uint8Array | null>;
  /**
   * On disk when it settles; after a crash the file has these bytes, those it had before, or is not there.
   * @throws ERR_STORE_DISK_FULL, ERR_STORE_IO
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Sorted by code unit. */
  names(): Promise<string[]>;
  /** No error when there is none. */
  delete(name: string): Promise<void>;
}
