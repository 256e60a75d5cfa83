import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec';
import { sha256, toHex } from '@blyan/crypto';
import type { NetworkId } from '@blyan/interface';
import { PROTOCOL_PARAMS } from '@blyan/params';
import { ChainError } from '../errors.ts';
import { describeIssues, type Genesis, genesisSchema } from './genesis-schema.ts';

/** Most bytes of a genesis; the roots of 100,000 experts fit. */
export const MAX_GENESIS_BYTES = 4_194_304;

export interface BuiltGenesis {
  readonly genesis: Genesis;
  /** Deterministic CBOR. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes: the network id. */
  readonly hash: NetworkId;
}

/** The canonical bytes of a genesis and their hash. */
export function encodeGenesis(genesis: Genesis): BuiltGenesis {
  const bytes = encodeCanonical(genesis as CanonicalValue);
  return { genesis, bytes, hash: toHex(sha256(bytes)) };
}

/**
 * Reads a genesis of any network; bounded and strict: unknown fields and any but the canonical form are refused.
 * @throws ChainError ERR_CHAIN_GENESIS_BYTES
 */
export function decodeGenesis(bytes: Uint8Array): Genesis {
  let value: CanonicalValue;
  try {
    value = decodeCanonical(bytes, { maxBytes: MAX_GENESIS_BYTES });
  } catch (cause) {
    throw new ChainError('ERR_CHAIN_GENESIS_BYTES', 'These bytes are no genesis: not canonical CBOR.', { cause });
  }
  const result = genesisSchema.safeParse(value);
  if (result.success) return result.data;
  throw new ChainError('ERR_CHAIN_GENESIS_BYTES', `These bytes are no genesis: ${describeIssues(result.error)}.`);
}

/**
 * Reads the genesis of one network.
 * @throws ChainError ERR_CHAIN_GENESIS_HASH when the bytes are another network's; ERR_CHAIN_GENESIS_BYTES
 */
export function verifyGenesis(bytes: Uint8Array, hash: NetworkId): Genesis {
  const actual = toHex(sha256(bytes));
  if (actual !== hash) {
    throw new ChainError(
      'ERR_CHAIN_GENESIS_HASH',
      `This genesis is of network ${actual}, not of ${hash}; get the genesis of the network you want to join.`,
      { meta: { expected: hash, actual } },
    );
  }
  return decodeGenesis(bytes);
}

/**
 * Passes when this build follows the protocol parameters that the network was founded on.
 * @throws ChainError ERR_CHAIN_GENESIS_PARAMS, `meta.section` is the first part that differs
 */
export function assertProtocolParams(genesis: Genesis): void {
  for (const section of Object.keys(PROTOCOL_PARAMS) as (keyof typeof PROTOCOL_PARAMS)[]) {
    const ours = encodeCanonical(PROTOCOL_PARAMS[section] as CanonicalValue);
    const theirs = encodeCanonical(genesis.protocol[section] as CanonicalValue);
    if (Buffer.compare(ours, theirs) === 0) continue;
    throw new ChainError(
      'ERR_CHAIN_GENESIS_PARAMS',
      `This network runs other protocol parameters (${section}) than this version; install a version that follows it.`,
      { meta: { section } },
    );
  }
}
