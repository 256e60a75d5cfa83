import {
  assembleCertificate,
  type BlockHeader,
  type BlockOutline,
  ballotMessage,
  type CryptoSuite,
  decodeRecord,
  encodeRecord,
  type HashedRecord,
  headerHash,
  type QuorumCertificate,
  recordsRoot,
  signRecord,
  type ValidatorSet,
  validatorSetHash,
  ZERO_HASH,
} from '@blyan/chain-format';
import { generateKeyPair, nodeSuite, signEd25519, toHex } from '@blyan/crypto';
import type { FinalBlock } from '../../src/index.ts';

export const suite: CryptoSuite = nodeSuite;
export const network = 'ab'.repeat(32);
const keys = generateKeyPair();
export const author = toHex(keys.publicKey);
export const validators: ValidatorSet = [{ publicKey: author, weight: 1 }];

export function makeRecord(nonce: number, dependsOn: readonly string[] = [], type = 'transfer'): HashedRecord {
  const fields = { network, lane: 'C', type, version: 1, author, nonce, fee: 0n, dependsOn, body: {} } as const;
  return decodeRecord(encodeRecord(signRecord(fields, (message) => signEd25519(message, keys.secretSeed))), suite);
}

export function certify(block: BlockOutline): QuorumCertificate {
  const ballot = { kind: 'finalise', epoch: block.header.epoch, view: block.header.view, block: block.hash } as const;
  const signature = signEd25519(ballotMessage(network, ballot), keys.secretSeed);
  return assembleCertificate(ballot, [{ ...ballot, validator: 0, signature }]);
}

export function makeBlock(
  parent: BlockOutline | null,
  records: readonly HashedRecord[],
  epochBlocks = 4,
  stateRoot = ZERO_HASH,
): BlockOutline {
  const height = parent === null ? 0 : parent.header.height + 1;
  const recordHashes = records.map(({ hash }) => hash);
  const header: BlockHeader = {
    network,
    epoch: Math.max(0, Math.floor((height - 1) / epochBlocks)),
    height,
    view: height,
    parent: parent?.hash ?? ZERO_HASH,
    timeMs: height * 1_000,
    proposer: 0,
    recordCount: records.length,
    recordsRoot: recordsRoot(recordHashes, suite),
    stateRoot,
    validatorsHash: validatorSetHash(validators, suite),
    nextValidatorsHash: validatorSetHash(validators, suite),
  };
  return { hash: headerHash(header, suite), header, recordHashes };
}

/** A chain with `perBlock` records in each block but the genesis block; one validator signed everything. */
export function makeChain(blocks: number, perBlock: number): FinalBlock[] {
  const chain: FinalBlock[] = [];
  let parent: BlockOutline | null = null;
  let last: HashedRecord | null = null;
  for (let height = 0; height < blocks; height++) {
    const records: HashedRecord[] = [];
    for (let i = 0; height > 0 && i < perBlock; i++) {
      last = makeRecord((height - 1) * perBlock + i, last === null ? [] : [last.hash], i % 2 ? 'node' : 'transfer');
      records.push(last);
    }
    const block = makeBlock(parent, records);
    chain.push({ block, records, certificate: height === 0 ? null : certify(block) });
    parent = block;
  }
  return chain;
}
