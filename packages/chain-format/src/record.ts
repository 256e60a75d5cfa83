import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec/canonical';
import { domainMessage, fromHex, toHex } from '@blyan/crypto/noble';
import type { Hash, NetworkId } from '@blyan/interface';
import { MAX_CHAIN_RECORD_BYTES } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { ChainFormatError } from './errors.ts';
import { decoding, HASH_BYTES, readBytes, readCount, readHash, SIGNATURE_BYTES } from './read.ts';
import { decodeEnvelope, encodeEnvelope } from './record-envelope.ts';

/** A meta, B parameters, C ledger, D datasets, T tiles. */
export type Lane = 'A' | 'B' | 'C' | 'D' | 'T';
export const LANES: readonly Lane[] = ['A', 'B', 'C', 'D', 'T'];

export const MAX_RECORD_TYPE_VERSION = 65_535;
export const MAX_RECORD_DEPENDENCIES = 16;
/** Fees are below. */
export const FEE_END = 1n << 128n;
const RECORD_DOMAIN = 'blyan/chain-record/1';
const RECORD_HASH_DOMAIN = 'blyan/chain-record-hash/1';
const FIELD_COUNT = 10;

/** What an author signs. Bodies carry hashes of payloads, never payloads. */
export interface RecordFields {
  readonly network: NetworkId;
  readonly lane: Lane;
  /** `transfer`, `node`, …: a letter, then letters, digits and dashes, all lower case, at most 32 characters. */
  readonly type: string;
  /** Of the type, 1 to 65,535. */
  readonly version: number;
  /** Ed25519 public key, 64 lower-case hexadecimal digits; also the author's address. */
  readonly author: string;
  /** The author's records are applied in the order 0, 1, 2, … */
  readonly nonce: number;
  /** Base units (10^-18 BLY), paid to the proposer; below 2^128. */
  readonly fee: bigint;
  /** Hashes of records that must be on the chain before, at most 16, ascending, each once. */
  readonly dependsOn: readonly Hash[];
  readonly body: { readonly [name: string]: CanonicalValue };
}

export interface ChainRecord extends RecordFields {
  /** Ed25519 over {@link recordMessage}, 64 bytes. */
  readonly signature: Uint8Array;
}

/** A record with what is known of it once it was decoded: its bytes and their hash. */
export interface HashedRecord {
  readonly record: ChainRecord;
  readonly bytes: Uint8Array;
  readonly hash: Hash;
}

function encodeFields(fields: RecordFields): Uint8Array {
  const { network, lane, type, version, author, nonce, fee, dependsOn, body } = fields;
  const bytes = encodeCanonical({
    v: 1,
    network: fromHex(network, HASH_BYTES),
    lane,
    type,
    version,
    author: fromHex(author, HASH_BYTES),
    nonce,
    fee,
    dependsOn: dependsOn.map((hash) => fromHex(hash, HASH_BYTES)),
    body,
  });
  decodeFields(bytes);
  return bytes;
}

function decodeFields(bytes: Uint8Array): RecordFields {
  const fields = decodeCanonical(bytes, { maxBytes: MAX_CHAIN_RECORD_BYTES }) as Record<string, unknown>;
  if (fields === null || typeof fields !== 'object' || fields.v !== 1) throw new RangeError('not of version 1');
  if (Object.keys(fields).length !== FIELD_COUNT) throw new RangeError(`there are not ${FIELD_COUNT} fields`);
  const { lane, type, body, dependsOn } = fields;
  if (!LANES.includes(lane as Lane)) throw new RangeError('lane is unknown');
  if (typeof type !== 'string' || !/^[a-z][a-z0-9-]{0,31}$/.test(type)) throw new RangeError('type is no name');
  if (body === null || typeof body !== 'object' || Array.isArray(body) || body instanceof Uint8Array) {
    throw new RangeError('body is no map');
  }
  return {
    network: readHash(fields.network, 'network'),
    lane: lane as Lane,
    type,
    version: readCount(fields.version, 'version', 1, MAX_RECORD_TYPE_VERSION),
    author: readHash(fields.author, 'author'),
    nonce: readCount(fields.nonce, 'nonce'),
    fee: readFee(fields.fee),
    dependsOn: readDependencies(dependsOn),
    body: body as RecordFields['body'],
  };
}

function readFee(value: unknown): bigint {
  const fee = typeof value === 'number' ? BigInt(value) : value;
  if (typeof fee !== 'bigint' || fee < 0n || fee >= FEE_END) throw new RangeError('fee is not from 0 to 2^128 - 1');
  return fee;
}

function readDependencies(value: unknown): readonly Hash[] {
  if (!Array.isArray(value) || value.length > MAX_RECORD_DEPENDENCIES) {
    throw new RangeError(`dependsOn has more than ${MAX_RECORD_DEPENDENCIES} hashes`);
  }
  const hashes = value.map((item) => readHash(item, 'dependsOn'));
  if (hashes.some((hash, i) => i > 0 && (hashes[i - 1] as Hash) >= hash)) {
    throw new RangeError('dependsOn is not ascending');
  }
  return hashes;
}

/**
 * What the author signs: the canonical fields in the domain `blyan/chain-record/1`.
 *
 * @throws ERR_RECORD_BYTES when a field breaks its bounds
 */
export function recordMessage(fields: RecordFields): Uint8Array {
  return decoding('ERR_RECORD_BYTES', 'record', () => domainMessage(RECORD_DOMAIN, encodeFields(fields)));
}

/**
 * Canonical CBOR of `{fields, signature}`, fields being the bytes that are signed.
 *
 * @throws ERR_RECORD_BYTES when a field breaks its bounds or the record takes more than 4 MiB
 */
export function encodeRecord(record: ChainRecord): Uint8Array {
  return decoding('ERR_RECORD_BYTES', 'record', () => {
    const signature = readBytes(record.signature, 'signature', SIGNATURE_BYTES);
    const bytes = encodeEnvelope({ fields: encodeFields(record), signature });
    if (bytes.length > MAX_CHAIN_RECORD_BYTES) throw new RangeError(`more than ${MAX_CHAIN_RECORD_BYTES} bytes`);
    return bytes;
  });
}

/** Signs the fields with whatever holds the author's key. @throws ERR_RECORD_BYTES */
export function signRecord(fields: RecordFields, sign: (message: Uint8Array) => Uint8Array): ChainRecord {
  return { ...fields, signature: sign(recordMessage(fields)) };
}

/** Hash of an encoded record; it covers the signature. */
export function hashRecord(bytes: Uint8Array, { sha256 }: CryptoSuite): Hash {
  return toHex(sha256(domainMessage(RECORD_HASH_DOMAIN, bytes)));
}

/**
 * Well-formed, and the one encoding of what it says. Network and signature are looked at by {@link verifyRecord}, because
 * what comes from the own disk was verified before.
 *
 * @throws ERR_RECORD_BYTES
 */
export function decodeRecord(bytes: Uint8Array, suite: CryptoSuite): HashedRecord {
  return decoding('ERR_RECORD_BYTES', 'record', () => {
    if (bytes.length > MAX_CHAIN_RECORD_BYTES) throw new RangeError(`more than ${MAX_CHAIN_RECORD_BYTES} bytes`);
    const { fields, signature } = decodeEnvelope(bytes);
    return { record: { ...decodeFields(fields), signature }, bytes, hash: hashRecord(bytes, suite) };
  });
}

/** @throws ERR_RECORD_NETWORK for a record of another network, ERR_RECORD_SIGNATURE unless its author signed it */
export function verifyRecord({ record, bytes }: HashedRecord, network: NetworkId, suite: CryptoSuite): void {
  if (record.network !== network) {
    throw new ChainFormatError('ERR_RECORD_NETWORK', `The record is for network ${record.network}, not ${network}.`, {
      meta: { network: record.network, expected: network },
    });
  }
  const message = domainMessage(RECORD_DOMAIN, decodeEnvelope(bytes).fields);
  if (!suite.verify(message, record.signature, fromHex(record.author, HASH_BYTES))) {
    throw new ChainFormatError('ERR_RECORD_SIGNATURE', 'The record is not signed by its author.');
  }
}
