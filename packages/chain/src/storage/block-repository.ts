import {
  type BlockOutline,
  type CryptoSuite,
  decodeOutline,
  decodeValidatorSet,
  type QuorumCertificate,
  type ValidatorSet,
} from '@blyan/chain-format';
import type { Hash, KeyValueReader } from '@blyan/interface';
import {
  blockKey,
  epochEndKey,
  HEAD_KEY,
  heightKey,
  indexRange,
  keysUnder,
  PRUNED_KEY,
  placeKey,
  placeOfIndexKey,
  type RecordIndex,
  recordKey,
  SNAPSHOT_KEY,
  unfinalisedKey,
  validatorSetKey,
} from './keys.ts';
import { damaged, pruned } from './storage-error.ts';
import {
  decodeEpochEnd,
  decodeHead,
  decodeHeight,
  decodePlace,
  decodeStoredBlock,
  type EpochEnd,
  type RecordPlace,
  type StoredBlock,
  type StoredHead,
} from './stored-values.ts';

/** A record of the chain with its place. */
export interface ListedRecord {
  readonly hash: Hash;
  readonly place: RecordPlace;
}

/**
 * What a store holds of the chain. Every method throws ERR_CHAIN_STORED where the store holds something that was never
 * written there.
 */
export class BlockRepository {
  readonly #store: KeyValueReader;
  readonly #suite: CryptoSuite;

  constructor(store: KeyValueReader, suite: CryptoSuite) {
    this.#store = store;
    this.#suite = suite;
  }

  /** Null before the genesis block was stored. */
  head(): StoredHead | null {
    return this.#read(HEAD_KEY, decodeHead);
  }

  /** Blocks below this height are gone, but for the genesis block; 0 when nothing was pruned. */
  prunedBelow(): number {
    return this.#read(PRUNED_KEY, decodeHeight) ?? 0;
  }

  /** Of blocks up to this height there are outlines at most: the node began from a snapshot of it. 0 where it began at the genesis. */
  snapshotHeight(): number {
    return this.#read(SNAPSHOT_KEY, decodeHeight) ?? 0;
  }

  /** Null above the head. @throws ERR_CHAIN_PRUNED */
  blockAt(height: number): StoredBlock | null {
    const key = blockKey(height);
    const found = this.#read(key, (bytes) => decodeStoredBlock(bytes, this.#suite));
    if (found !== null) {
      if (found.block.header.height !== height) throw damaged(key);
      return found;
    }
    const below = this.prunedBelow();
    if (height < below) throw pruned(`Block ${height}`, below);
    return null;
  }

  /** Null for a hash that is no final block's here; pruned blocks are not told from unknown ones. */
  blockOf(hash: Hash): StoredBlock | null {
    const height = this.heightOf(hash);
    if (height === null) return null;
    const found = this.blockAt(height);
    if (found?.block.hash !== hash) throw damaged(heightKey(hash));
    return found;
  }

  /** Null for a hash that is no final block's here. */
  heightOf(hash: Hash): number | null {
    return this.#read(heightKey(hash), decodeHeight);
  }

  /** The certificate that made a block final: its own or that of the next block that has one; null for the genesis block. */
  certificateFor(height: number): QuorumCertificate | null {
    if (height === 0) return null;
    let at = height;
    for (let found = this.blockAt(at); found !== null; found = this.blockAt(++at)) {
      if (found.certificate !== null) return found.certificate;
    }
    return null;
  }

  /** Blocks of heights below `before`, the highest first, at most `limit`; fewer where the kept blocks begin. */
  async blocksBefore(before: number, limit: number): Promise<StoredBlock[]> {
    const range = { from: blockKey(0), to: blockKey(before), reverse: true, limit };
    return this.#list(range, (bytes) => decodeStoredBlock(bytes, this.#suite));
  }

  /** Blocks of heights from `from` on, the lowest first, at most `limit`. */
  async blocksFrom(from: number, limit: number): Promise<StoredBlock[]> {
    return this.#list({ from: blockKey(from), to: 'b0', limit }, (bytes) => decodeStoredBlock(bytes, this.#suite));
  }

  /** Bytes of a record that is on the chain or in a block that may become final. */
  recordBytes(hash: Hash): Uint8Array | null {
    return this.#store.get(recordKey(hash)) ?? null;
  }

  /** Null for a record that is not on the chain, or was pruned. */
  placeOf(record: Hash): RecordPlace | null {
    return this.#read(placeKey(record), decodePlace);
  }

  /** Records of an index, the newest first, before a place or all, at most `limit`. */
  async recordsOf(index: RecordIndex, before: RecordPlace | null, limit: number): Promise<ListedRecord[]> {
    const listed: ListedRecord[] = [];
    let at: StoredBlock | null = null;
    for await (const [key] of this.#store.entries(indexRange(index, before, limit))) {
      const place = placeOfIndexKey(key);
      if (at?.block.header.height !== place.height) at = this.blockAt(place.height);
      const hash = at?.block.recordHashes[place.index];
      if (hash === undefined) throw damaged(key);
      listed.push({ hash, place });
    }
    return listed;
  }

  /** A block that may become final. */
  unfinalised(hash: Hash): BlockOutline | null {
    const key = unfinalisedKey(hash);
    const found = this.#read(key, (bytes) => decodeOutline(bytes, this.#suite));
    if (found !== null && found.hash !== hash) throw damaged(key);
    return found;
  }

  /** All blocks that may become final, the lowest first. */
  async allUnfinalised(): Promise<BlockOutline[]> {
    const found = await this.#list(keysUnder('u'), (bytes) => decodeOutline(bytes, this.#suite));
    return found.sort((a, b) => a.header.height - b.header.height);
  }

  /** Header and certificate of the last block of an epoch; null while the epoch goes on. */
  epochEnd(epoch: number): EpochEnd | null {
    return this.#read(epochEndKey(epoch), decodeEpochEnd);
  }

  /** A validator set that a header commits to. */
  validatorSet(hash: Hash): ValidatorSet | null {
    return this.#read(validatorSetKey(hash), decodeValidatorSet);
  }

  #read<T>(key: string, decode: (bytes: Uint8Array) => T): T | null {
    const bytes = this.#store.get(key);
    return bytes === undefined ? null : decoded(key, bytes, decode);
  }

  async #list<T>(range: Parameters<KeyValueReader['entries']>[0], decode: (bytes: Uint8Array) => T): Promise<T[]> {
    const found: T[] = [];
    for await (const [key, bytes] of this.#store.entries(range)) found.push(decoded(key, bytes, decode));
    return found;
  }
}

function decoded<T>(key: string, bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes);
  } catch (cause) {
    throw damaged(key, cause);
  }
}
