import {
  MAX_ASKED_RECORDS,
  MAX_CHUNK_BYTES,
  MAX_EPOCH_END_BYTES,
  MAX_EPOCH_ENDS,
  MAX_MANIFEST_BYTES,
  MAX_POOL_HASHES,
} from '@blyan/chain';
import { fromHex, toHex } from '@blyan/crypto';
import { type Hash, isRoot } from '@blyan/interface';
import { MAX_CHAIN_RECORD_BYTES } from '@blyan/params';
import { z } from 'zod';

/** Bytes that an answer of records or blocks aims at; one record or block may go beyond it. */
export const ANSWER_BYTES = 4 * 1024 * 1024;
export const MAX_ANSWER_BLOCKS = 256;
/** A whole block of the largest kind in one answer. */
export const MAX_CHAIN_FRAME_BYTES = 16 * 1024 * 1024;
const HASH_BYTES = 32;

const hash = z.string().refine(isRoot);
const height = z.number().int().nonnegative();
const bytes = z.instanceof(Uint8Array);
const packedHashes = (most: number) =>
  bytes.refine((value) => value.byteLength % HASH_BYTES === 0 && value.byteLength <= most * HASH_BYTES);
const atMost = (most: number) => bytes.refine((value) => value.byteLength <= most);
const record = atMost(MAX_CHAIN_RECORD_BYTES);
const block = z.object({ outline: bytes, records: z.array(record), certificate: bytes });

/** Requests and answers of `chain/1`. Hashes are joined into one byte string. */
export const chainWire = {
  reach: { request: z.unknown(), response: z.object({ height, hash }) },
  outline: { request: z.object({ hash }), response: z.object({ outline: bytes.nullable() }) },
  records: {
    request: z.object({ hashes: packedHashes(MAX_ASKED_RECORDS) }),
    response: z.object({ records: z.array(record).max(MAX_ASKED_RECORDS) }),
  },
  blocks: {
    request: z.object({ from: height }),
    response: z.object({ blocks: z.array(block).max(MAX_ANSWER_BLOCKS) }),
  },
  manifest: { request: z.unknown(), response: z.object({ manifest: atMost(MAX_MANIFEST_BYTES).nullable() }) },
  chunk: {
    request: z.object({ height, index: height }),
    response: z.object({ chunk: atMost(MAX_CHUNK_BYTES).nullable() }),
  },
  ends: {
    request: z.object({ from: height }),
    response: z.object({ ends: z.array(atMost(MAX_EPOCH_END_BYTES)).max(MAX_EPOCH_ENDS) }),
  },
  pool: { request: z.unknown(), response: z.object({ hashes: packedHashes(MAX_POOL_HASHES) }) },
} as const;

export function packHashes(hashes: readonly Hash[]): Uint8Array {
  return fromHex(hashes.join(''));
}

export function unpackHashes(bytes: Uint8Array): Hash[] {
  const hashes: Hash[] = [];
  for (let at = 0; at < bytes.byteLength; at += HASH_BYTES) hashes.push(toHex(bytes.subarray(at, at + HASH_BYTES)));
  return hashes;
}
