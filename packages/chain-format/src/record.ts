import type { CanonicalValue } from '@blyan/codec/canonical';
import type { Hash, NetworkId } from '@blyan/interface';

/** A meta, B parameters, C ledger, D datasets, T tiles. */
export type Lane = 'A' | 'B' | 'C' | 'D' | 'T';
export const LANES: readonly Lane[] = ['A', 'B', 'C', 'D', 'T'];

/** What an author signs. Bodies carry hashes of payloads, never payloads. */
export interface RecordFields {
  readonly network: NetworkId;
  readonly lane: Lane;
  /** `transfer`, `node`, …: lower case, digits and dashes, at most 32 characters. */
  readonly type: string;
  /** Of the type, from 1. */
  readonly version: number;
  /** Ed25519 public key, 64 lower-case hexadecimal digits; also the author's address. */
  readonly author: string;
  /** The author's records are applied in the order 0, 1, 2, … */
  readonly nonce: number;
  /** Base units (10^-18 BLY), paid to the proposer. */
  readonly fee: bigint;
  /** Hashes of records that must be on the chain before, at most 16. */
  readonly dependsOn: readonly Hash[];
  readonly body: { readonly [name: string]: CanonicalValue };
}

export interface ChainRecord extends RecordFields {
  /** Ed25519 over the canonical fields in the domain `blyan/chain-record/1`, 64 bytes. */
  readonly signature: Uint8Array;
}

/** A record with what is known of it once it was decoded: its bytes and their hash. */
export interface HashedRecord {
  readonly record: ChainRecord;
  readonly bytes: Uint8Array;
  readonly hash: Hash;
}
