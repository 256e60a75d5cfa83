import { encodeCanonical } from '@blyan/codec/canonical';
import { fromHex, toHex } from '@blyan/crypto/noble';
import type { Hash } from '@blyan/interface';
import { MAX_RECORDS_PER_BLOCK } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { type BlockHeader, ZERO_HASH } from './header.ts';
import { decoding, HASH_BYTES, readArray, readCount, readHashes } from './read.ts';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
/** Of a tree over {@link MAX_RECORDS_PER_BLOCK}. */
const MAX_HEIGHT = Math.ceil(Math.log2(MAX_RECORDS_PER_BLOCK));
const MAX_RECORD_PROOF_BYTES = 64 + MAX_HEIGHT * HASH_BYTES;

/** Where a record stands in its block, and the way from there to the block's records root. */
export interface RecordProof {
  /** Place among the block's records, from 0. */
  readonly index: number;
  /** From the leaf up. */
  readonly siblings: readonly Hash[];
}

function levelsOf(hashes: readonly Hash[], { sha256 }: CryptoSuite): Uint8Array[][] {
  let level = hashes.map((hash) => sha256(LEAF, fromHex(hash, HASH_BYTES)));
  const levels = [level];
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Uint8Array, level[i + 1]];
      above.push(right === undefined ? left : sha256(NODE, left, right));
    }
    level = above;
    levels.push(level);
  }
  return levels;
}

/**
 * The tree of RFC 6962 section 2.1 over the record hashes in their order: a leaf is SHA-256(0x00, hash), a node SHA-256(0x01,
 * left, right), the last node of an odd level is taken over to the level above. {@link ZERO_HASH} for no records.
 */
export function recordsRoot(hashes: readonly Hash[], suite: CryptoSuite): Hash {
  const root = levelsOf(hashes, suite).at(-1)?.[0];
  return root === undefined ? ZERO_HASH : toHex(root);
}

/** @throws RangeError unless there is a record of this index */
export function proveRecord(hashes: readonly Hash[], index: number, suite: CryptoSuite): RecordProof {
  if (!Number.isSafeInteger(index) || index < 0 || index >= hashes.length) {
    throw new RangeError(`There is no record ${index} among ${hashes.length}.`);
  }
  const siblings: Hash[] = [];
  let at = index;
  for (const level of levelsOf(hashes, suite)) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) siblings.push(toHex(sibling));
    at >>= 1;
  }
  return { index, siblings };
}

/**
 * That the block with this header has the record at this place.
 *
 * @throws ERR_RECORD_PROOF
 */
export function verifyRecordProof(
  header: Pick<BlockHeader, 'recordsRoot' | 'recordCount'>,
  record: Hash,
  proof: RecordProof,
  suite: CryptoSuite,
): void {
  decoding('ERR_RECORD_PROOF', 'proof of a record', () => {
    if (climb(header.recordCount, record, proof, suite) !== header.recordsRoot) {
      throw new RangeError('it does not lead to the records root of this block');
    }
  });
}

function climb(width: number, record: Hash, { index, siblings }: RecordProof, { sha256 }: CryptoSuite): Hash {
  readCount(width, 'recordCount', 0, MAX_RECORDS_PER_BLOCK);
  readCount(index, 'index', 0, width - 1);
  let current = sha256(LEAF, fromHex(record, HASH_BYTES));
  let used = 0;
  for (let at = index, left = width; left > 1; at >>= 1, left = (left + 1) >> 1) {
    if ((at ^ 1) >= left) continue;
    const sibling = fromHex(siblings[used++] ?? '', HASH_BYTES);
    current = at & 1 ? sha256(NODE, sibling, current) : sha256(NODE, current, sibling);
  }
  if (used !== siblings.length) throw new RangeError('there are siblings to spare');
  return toHex(current);
}

/** Canonical CBOR of `[index, siblings joined]`. */
export function encodeRecordProof({ index, siblings }: RecordProof): Uint8Array {
  return encodeCanonical([index, fromHex(siblings.join(''))]);
}

/** @throws ERR_RECORD_PROOF */
export function decodeRecordProof(bytes: Uint8Array): RecordProof {
  return decoding('ERR_RECORD_PROOF', 'proof of a record', () => {
    const [index, siblings] = readArray(bytes, 2, MAX_RECORD_PROOF_BYTES);
    return {
      index: readCount(index, 'index', 0, MAX_RECORDS_PER_BLOCK - 1),
      siblings: readHashes(siblings, 'siblings', MAX_HEIGHT),
    };
  });
}
