import {
  API_LIMITS,
  type BlockSummary,
  type ChainBlock,
  type ChainGenesisAnswer,
  type ChainRecordAnswer,
  type ChainStateAnswer,
  type RecordList,
} from '@blyan/api';
import { type CryptoSuite, decodeHeader, decodeRecord, readable } from '@blyan/chain-format';
import { decodeCanonical } from '@blyan/codec/canonical';
import { sha256, toHex, verifyEd25519 } from '@blyan/crypto';
import type { FinalBlock, KnownRecord, ProvenState, RecordPlace } from '@blyan/interface';

const SUITE: CryptoSuite = { sha256, verify: verifyEd25519 };
/** Values of the state are far below it; this node decoded them before. */
const MAX_VALUE_BYTES = 16 * 1024 * 1024;

export function blockSummary({ hash, header }: FinalBlock): BlockSummary {
  const { network: _, ...fields } = decodeHeader(header);
  return { hash, ...fields };
}

export function blockAnswer(block: FinalBlock): ChainBlock {
  const { recordHashes, header, certificate } = block;
  return {
    ...blockSummary(block),
    recordHashes,
    header: base64(header),
    certificate: certificate && base64(certificate),
  };
}

export function recordAnswer({ hash, bytes, place }: KnownRecord): ChainRecordAnswer {
  const fields = bytes && readable({ ...decodeRecord(bytes, SUITE).record });
  return { hash, status: place ? 'final' : 'waiting', place, fields, bytes: bytes && base64(bytes) };
}

export function listedRecord(hash: string, bytes: Uint8Array | null, place: RecordPlace): RecordList['data'][number] {
  const sizeBytes = bytes?.length ?? null;
  if (bytes === null || bytes.length > API_LIMITS.listedRecordBytes) return { hash, place, sizeBytes, fields: null };
  const { record } = decodeRecord(bytes, SUITE);
  const fields = bytes.length > API_LIMITS.listedBodyBytes ? { ...record, body: null } : { ...record };
  return { hash, place, sizeBytes, fields: readable(fields) };
}

export function genesisAnswer(genesis: Uint8Array): ChainGenesisAnswer {
  return { networkId: toHex(sha256(genesis)), bytes: base64(genesis) };
}

export function stateAnswer(key: string, value: Uint8Array | null): ChainStateAnswer {
  const decoded = value && readable(decodeCanonical(value, { maxBytes: MAX_VALUE_BYTES }));
  return { key, value: decoded, bytes: value && base64(value) };
}

export function provenAnswer({ key, value, siblings, other, block }: ProvenState): ChainStateAnswer {
  const { hash, height, header, certificate } = block;
  const shown = { hash, height, header: base64(header), certificate: certificate && base64(certificate) };
  return { ...stateAnswer(key, value), proof: { siblings, other, block: shown } };
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
