import {
  type BlockOutline,
  type CryptoSuite,
  decodeCertificate,
  decodeOutline,
  encodeCertificate,
  encodeOutline,
  type QuorumCertificate,
  readArray,
  readBytes,
  readHash,
  readHashes,
  recordsRoot,
} from '@blyan/chain-format';
import { encodeCanonical } from '@blyan/codec';
import { domainMessage, fromHex, toHex } from '@blyan/crypto';
import type { Hash, NetworkId } from '@blyan/interface';
import { MAX_MANIFEST_BYTES } from './ports.ts';
import { SnapshotError } from './snapshot-error.ts';

const CHUNK_DOMAIN = 'blyan/snapshot-chunk/1';
const SNAPSHOT_DOMAIN = 'blyan/snapshot/1';
const MAX_CHUNKS = 65_536;

/** What a snapshot consists of: the state after the last block of an epoch, and the outlines of that epoch. */
export interface SnapshotManifest {
  readonly network: NetworkId;
  readonly block: BlockOutline;
  /** In their order, see {@link chunkHash}. */
  readonly chunkHashes: readonly Hash[];
  /** Final votes for the block. Nodes may hold different ones of the same block. */
  readonly certificate: QuorumCertificate;
}

export function chunkHash(bytes: Uint8Array, { sha256 }: CryptoSuite): Hash {
  return toHex(sha256(domainMessage(CHUNK_DOMAIN, bytes)));
}

/** Names what is in a snapshot: the same for all nodes that took it, whoever's votes they hold. The chunks are leaves of a Merkle tree. */
export function snapshotId({ network, block, chunkHashes }: SnapshotManifest, suite: CryptoSuite): Hash {
  const parts = [network, block.hash, recordsRoot(chunkHashes, suite)].map((hash) => fromHex(hash, 32));
  return toHex(suite.sha256(domainMessage(SNAPSHOT_DOMAIN, encodeCanonical([...parts, chunkHashes.length]))));
}

/** Canonical CBOR of `[1, network, outline, chunk hashes joined, certificate]`, outline and certificate being their bytes. */
export function encodeManifest({ network, block, chunkHashes, certificate }: SnapshotManifest): Uint8Array {
  return encodeCanonical([
    1,
    fromHex(network, 32),
    encodeOutline(block),
    fromHex(chunkHashes.join('')),
    encodeCertificate(certificate),
  ]);
}

/**
 * Well-formed; who signed, and whether it is of this chain, is for the caller to check.
 * @throws ERR_SNAPSHOT_MANIFEST
 */
export function decodeManifest(bytes: Uint8Array, suite: CryptoSuite): SnapshotManifest {
  try {
    const [version, network, outline, hashes, certificate] = readArray(bytes, 5, MAX_MANIFEST_BYTES);
    if (version !== 1) throw new RangeError('not of version 1');
    return {
      network: readHash(network, 'network'),
      block: decodeOutline(readBytes(outline, 'outline'), suite),
      chunkHashes: readHashes(hashes, 'chunk hashes', MAX_CHUNKS),
      certificate: decodeCertificate(readBytes(certificate, 'certificate')),
    };
  } catch (cause) {
    throw new SnapshotError('ERR_SNAPSHOT_MANIFEST', 'These bytes are no manifest of a snapshot.', { cause });
  }
}
