import {
  type BlockOutline,
  type CryptoSuite,
  encodeOutline,
  encodeValidatorSet,
  type HashedRecord,
  type QuorumCertificate,
  type ValidatorSet,
  validatorSetHash,
} from '@blyan/chain-format';
import type { Hash, StoreWrite } from '@blyan/interface';
import { PROTOCOL_PARAMS } from '@blyan/params';
import {
  blockKey,
  epochEndKey,
  HEAD_KEY,
  heightKey,
  indexKey,
  placeKey,
  recordKey,
  unfinalisedKey,
  validatorSetKey,
} from './keys.ts';
import { encodeEpochEnd, encodeHead, encodeHeight, encodePlace, encodeStoredBlock } from './stored-values.ts';

const NOTHING = new Uint8Array();

export interface FinalBlock {
  readonly block: BlockOutline;
  /** In the block's order. */
  readonly records: readonly HashedRecord[];
  /** Of this very block; null for the genesis block and for a block that becomes final with a descendant in the same batch. */
  readonly certificate: QuorumCertificate | null;
}

export interface FinalBlockOptions {
  /** Whether {@link unfinalisedBlockWrites} has stored outline and records already. Default false. */
  readonly bodyStored?: boolean;
  /** Blocks of an epoch; those of the protocol by default. */
  readonly epochBlocks?: number;
}

/** Outline and records of a block that may become final: on disk before this node votes for it. */
export function unfinalisedBlockWrites(block: BlockOutline, records: readonly HashedRecord[]): StoreWrite[] {
  return [{ key: unfinalisedKey(block.hash), value: encodeOutline(block) }, ...records.map(recordWrite)];
}

/**
 * Makes a block the head of the chain on disk, with its records in every index. The blocks before it have to be there, or in
 * the same batch before these writes.
 */
export function finalBlockWrites(
  { block, records, certificate }: FinalBlock,
  options: FinalBlockOptions = {},
): StoreWrite[] {
  const { hash, header } = block;
  const { height } = header;
  const writes: StoreWrite[] = [
    { key: blockKey(height), value: encodeStoredBlock({ block, certificate }) },
    { key: heightKey(hash), value: encodeHeight(height) },
  ];
  for (const [index, record] of records.entries()) {
    if (!options.bodyStored) writes.push(recordWrite(record));
    for (const key of placeKeys(record, { height, index })) writes.push({ key, value: NOTHING });
    writes.push({ key: placeKey(record.hash), value: encodePlace({ height, index }) });
  }
  if (height > 0 && height % (options.epochBlocks ?? PROTOCOL_PARAMS.chain.epochBlocks) === 0 && certificate !== null) {
    writes.push({ key: epochEndKey(header.epoch), value: encodeEpochEnd({ header, certificate }) });
  }
  if (options.bodyStored) writes.push({ key: unfinalisedKey(hash), value: null });
  writes.push({ key: HEAD_KEY, value: encodeHead({ height, hash }) });
  return writes;
}

/** Keeps a validator set, so that the headers that commit to its hash can be followed. */
export function validatorSetWrites(set: ValidatorSet, suite: CryptoSuite): StoreWrite[] {
  return [{ key: validatorSetKey(validatorSetHash(set, suite)), value: encodeValidatorSet(set) }];
}

/**
 * Removes blocks that can never become final, with their records but for those that are needed.
 * @param needed - whether a record is on the chain or in a block that may still become final
 */
export function orphanWrites(blocks: readonly BlockOutline[], needed: (record: Hash) => boolean): StoreWrite[] {
  return blocks.flatMap(({ hash, recordHashes }) => [
    { key: unfinalisedKey(hash), value: null },
    ...recordHashes.filter((record) => !needed(record)).map((record) => ({ key: recordKey(record), value: null })),
  ]);
}

/** Keys of the indexes that say a record stands at this place. */
export function placeKeys({ record }: HashedRecord, place: { height: number; index: number }): string[] {
  return [
    indexKey({ by: 'author', author: record.author }, place),
    indexKey({ by: 'type', type: record.type }, place),
    ...record.dependsOn.map((dependency) => indexKey({ by: 'dependency', dependency }, place)),
  ];
}

function recordWrite({ hash, bytes }: HashedRecord): StoreWrite {
  return { key: recordKey(hash), value: bytes };
}
