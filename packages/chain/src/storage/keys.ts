import type { Hash, KeyRange } from '@blyan/interface';
import type { RecordPlace } from './stored-values.ts';

/** Heights have 12 digits, so that keys sort as numbers do. */
const HEIGHT_DIGITS = 12;
/** Places in a block have 5: a block has at most 65,536 records. */
const INDEX_DIGITS = 5;

const decimal = (value: number, digits: number) => String(value).padStart(digits, '0');

export const HEAD_KEY = 'm/head';
export const PRUNED_KEY = 'm/pruned';
/** Height of the snapshot that this node began from: it has outlines of blocks up to there, not their records. */
export const SNAPSHOT_KEY = 'm/snapshot';

/** Outline and certificate of a final block. */
export const blockKey = (height: number) => `b/${decimal(height, HEIGHT_DIGITS)}`;
/** Header and certificate of the last block of an epoch. */
export const epochEndKey = (epoch: number) => `e/${decimal(epoch, HEIGHT_DIGITS)}`;
/** A validator set by its hash. */
export const validatorSetKey = (hash: Hash) => `v/${hash}`;
/** Height of a final block. */
export const heightKey = (block: Hash) => `h/${block}`;
/** Outline of a block that is not final. */
export const unfinalisedKey = (block: Hash) => `u/${block}`;
/** Bytes of a record. */
export const recordKey = (record: Hash) => `r/${record}`;
/** Place of a record on the chain. */
export const placeKey = (record: Hash) => `x/${record}`;

/** What records can be listed by. */
export type RecordIndex =
  | { readonly by: 'author'; readonly author: string }
  | { readonly by: 'type'; readonly type: string }
  /** Those that depend on this record. */
  | { readonly by: 'dependency'; readonly dependency: Hash };

function indexPrefix(index: RecordIndex): string {
  if (index.by === 'author') return `i/a/${index.author}`;
  if (index.by === 'type') return `i/t/${index.type}`;
  return `i/d/${index.dependency}`;
}

const placeText = ({ height, index }: RecordPlace) =>
  `${decimal(height, HEIGHT_DIGITS)}/${decimal(index, INDEX_DIGITS)}`;

/** Says by its existence that the record at this place belongs to the index; its value is empty. */
export const indexKey = (index: RecordIndex, place: RecordPlace) => `${indexPrefix(index)}/${placeText(place)}`;

/** The places of an index before one of them, the last first. */
export function indexRange(index: RecordIndex, before: RecordPlace | null, limit: number): KeyRange {
  const prefix = indexPrefix(index);
  return { from: `${prefix}/`, to: before === null ? `${prefix}0` : indexKey(index, before), reverse: true, limit };
}

/** The place that an index key names. */
export function placeOfIndexKey(key: string): RecordPlace {
  const [height, index] = key.split('/').slice(-2);
  return { height: Number(height), index: Number(index) };
}

/** Every key that begins with these letters and a slash. */
export const keysUnder = (prefix: string): KeyRange => ({ from: `${prefix}/`, to: `${prefix}0` });
