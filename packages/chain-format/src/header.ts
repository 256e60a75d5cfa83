import { decodeCanonical, encodeCanonical } from '@blyan/codec/canonical';
import { domainMessage, fromHex, toHex } from '@blyan/crypto/noble';
import type { Hash, NetworkId } from '@blyan/interface';
import { MAX_RECORDS_PER_BLOCK } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { ChainFormatError } from './errors.ts';

export const MAX_HEADER_BYTES = 512;
export const ZERO_HASH: Hash = '0'.repeat(64);
const HEADER_DOMAIN = 'blyan/header/1';

/** What a block commits to; its hash is the block's. */
export interface BlockHeader {
  readonly network: NetworkId;
  /** Blocks of height e * E + 1 to (e + 1) * E are of epoch e; the genesis block, of height 0, says 0. */
  readonly epoch: number;
  readonly height: number;
  /** Of this epoch, from 1; the genesis block says 0. */
  readonly view: number;
  /** Hash of the block of the height before; {@link ZERO_HASH} for the genesis block. */
  readonly parent: Hash;
  /** Milliseconds since 1970, later than the parent's. */
  readonly timeMs: number;
  /** Index in the validator set of the epoch. */
  readonly proposer: number;
  readonly recordCount: number;
  /** Root over the hashes of the records in their order: see `recordsRoot`. */
  readonly recordsRoot: Hash;
  /** Of the state after this block. */
  readonly stateRoot: Hash;
  /** Of the set that votes on this block. */
  readonly validatorsHash: Hash;
  /** Of the next epoch's set, the same through a whole epoch. */
  readonly nextValidatorsHash: Hash;
}

const NUMBERS = ['epoch', 'height', 'view', 'timeMs', 'proposer', 'recordCount'] as const;
const HASHES = ['network', 'parent', 'recordsRoot', 'stateRoot', 'validatorsHash', 'nextValidatorsHash'] as const;

/** Canonical CBOR, version 1. */
export function encodeHeader(header: BlockHeader): Uint8Array {
  const fields: Record<string, number | Uint8Array> = { v: 1 };
  for (const name of NUMBERS) fields[name] = header[name];
  for (const name of HASHES) fields[name] = fromHex(header[name], 32);
  return encodeCanonical(fields);
}

/** @throws ERR_HEADER_BYTES */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  try {
    const fields = decodeCanonical(bytes, { maxBytes: MAX_HEADER_BYTES }) as Record<string, unknown>;
    const header: Record<string, unknown> = {};
    for (const name of NUMBERS) {
      if (!Number.isSafeInteger(fields[name]) || (fields[name] as number) < 0) throw new RangeError(name);
      header[name] = fields[name];
    }
    if ((header.recordCount as number) > MAX_RECORDS_PER_BLOCK) throw new RangeError('recordCount');
    for (const name of HASHES) header[name] = hashOf(fields[name]);
    if (fields.v !== 1 || Object.keys(fields).length !== NUMBERS.length + HASHES.length + 1) throw new RangeError('v');
    return header as unknown as BlockHeader;
  } catch (cause) {
    throw new ChainFormatError('ERR_HEADER_BYTES', 'These bytes are no block header.', { cause });
  }
}

/** The block's hash. */
export function headerHash(header: BlockHeader, { sha256 }: CryptoSuite): Hash {
  return toHex(sha256(domainMessage(HEADER_DOMAIN, encodeHeader(header))));
}

function hashOf(value: unknown): Hash {
  if (!(value instanceof Uint8Array) || value.length !== 32) throw new RangeError('not 32 bytes');
  return toHex(value);
}
