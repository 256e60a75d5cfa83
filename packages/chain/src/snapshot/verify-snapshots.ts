import { type CryptoSuite, headerHash, verifyCertificate } from '@blyan/chain-format';
import type { BlobStore, NetworkId } from '@blyan/interface';
import type { BlockRepository } from '../storage/block-repository.ts';
import { type ChainDamage, Findings } from '../verify/findings.ts';
import { chunkHash, decodeManifest, type SnapshotManifest } from './manifest.ts';
import { chunkName, manifestHeight } from './snapshot-names.ts';

const MAX_FINDINGS = 100;

/**
 * Checks the snapshots that a node gives to others: each manifest is of a block of the chain with a quorum under it, each chunk
 * the one that its manifest names. What of another node's snapshot is on its way is checked when it is complete.
 *
 * @returns damage by the name of the blob
 * @throws the signal's reason; ERR_STORE_IO
 */
export async function verifySnapshots(
  blobs: BlobStore,
  repository: BlockRepository,
  {
    network,
    suite,
    signal,
  }: { readonly network: NetworkId; readonly suite: CryptoSuite; readonly signal?: AbortSignal },
): Promise<readonly ChainDamage[]> {
  const findings = new Findings(MAX_FINDINGS);
  for (const name of await blobs.names()) {
    const height = manifestHeight(name);
    const bytes = height === null ? null : await blobs.get(name);
    if (height === null || bytes === null) continue;
    const manifest = findings.try(name, () => {
      const decoded = decodeManifest(bytes, suite);
      assertOfChain(decoded, height, network, repository, suite);
      return decoded;
    });
    for (const [index, hash] of manifest?.chunkHashes.entries() ?? []) {
      signal?.throwIfAborted();
      const chunk = await blobs.get(chunkName(height, index));
      if (chunk === null) findings.add(chunkName(height, index), 'it is missing');
      else if (chunkHash(chunk, suite) !== hash) {
        // Which of the two the disk has changed cannot be told.
        findings.add(chunkName(height, index), `it is not the one that ${name} names`);
        findings.add(name, `it does not name ${chunkName(height, index)} as it is here`);
      }
    }
  }
  return findings.list();
}

function assertOfChain(
  { network, block, certificate }: SnapshotManifest,
  height: number,
  expected: NetworkId,
  repository: BlockRepository,
  suite: CryptoSuite,
): void {
  const { header } = block;
  if (network !== expected || header.height !== height) throw new RangeError('it is of another block');
  const end = repository.epochEnd(header.epoch);
  if (end === null || headerHash(end.header, suite) !== block.hash)
    throw new RangeError('its block is not on the chain');
  const validators = repository.validatorSet(header.validatorsHash);
  if (validators === null) throw new RangeError('nobody knows who voted for its block');
  if (certificate.kind !== 'finalise' || certificate.block !== block.hash || certificate.epoch !== header.epoch) {
    throw new RangeError('its certificate is for something else');
  }
  verifyCertificate(certificate, validators, network, suite);
}
