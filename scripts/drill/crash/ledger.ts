import {
  assembleCertificate,
  type BlockOutline,
  ballotMessage,
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
import { nodeSuite, publicKeyOf, sha256, signEd25519, toHex } from '@blyan/crypto';
import { type ExecuteBlock, finalBlockWrites, validatorSetWrites } from '../../../packages/chain/src/index.ts';
import { StateOverlay } from '../../../packages/chain/src/state/state-overlay.ts';
import { EMPTY_STATE } from '../../../packages/chain/src/state/state-reader.ts';

// The chain of one validator that the drill writes: real records, certificates, state and storage, and the simplest rule.

const seed = sha256(new TextEncoder().encode('crash drill'));
export const NETWORK = toHex(sha256(seed));
export const EPOCH_BLOCKS = 256;
const AUTHOR = toHex(publicKeyOf(seed));
export const VALIDATORS: ValidatorSet = [{ publicKey: AUTHOR, weight: 1 }];
const SLOTS = 2_000;

/** Each record leaves its hash in a slot, so that keys come and change; the author's nonce counts on. */
export const execute: ExecuteBlock = (state, _, records) => {
  const values = new Map<string, Uint8Array>();
  for (const { record, bytes } of records) values.set(`slot/${record.nonce % SLOTS}`, sha256(bytes));
  const last = records.at(-1);
  values.set('nonce', new TextEncoder().encode(String(last === undefined ? 0 : last.record.nonce + 1)));
  return new StateOverlay(state, values);
};

export function makeRecord(nonce: number): HashedRecord {
  const fields = {
    network: NETWORK,
    lane: 'C',
    type: 'transfer',
    version: 1,
    author: AUTHOR,
    nonce,
    fee: 0n,
    dependsOn: [],
    body: { note: `${nonce}` },
  } as const;
  return decodeRecord(encodeRecord(signRecord(fields, (message) => signEd25519(message, seed))), nodeSuite);
}

export function makeBlock(
  parent: BlockOutline | null,
  recordHashes: readonly string[],
  stateRoot: string,
): BlockOutline {
  const height = parent === null ? 0 : parent.header.height + 1;
  const validatorsHash = validatorSetHash(VALIDATORS, nodeSuite);
  const header = {
    network: NETWORK,
    epoch: Math.max(0, Math.floor((height - 1) / EPOCH_BLOCKS)),
    height,
    view: height === 0 ? 0 : ((height - 1) % EPOCH_BLOCKS) + 1,
    parent: parent?.hash ?? ZERO_HASH,
    timeMs: height,
    proposer: 0,
    recordCount: recordHashes.length,
    recordsRoot: recordsRoot(recordHashes, nodeSuite),
    stateRoot,
    validatorsHash,
    nextValidatorsHash: validatorsHash,
  };
  return { hash: headerHash(header, nodeSuite), header, recordHashes };
}

export function certify({ hash, header }: BlockOutline): QuorumCertificate {
  const ballot = { kind: 'finalise', epoch: header.epoch, view: header.view, block: hash } as const;
  const signature = signEd25519(ballotMessage(NETWORK, ballot), seed);
  return assembleCertificate(ballot, [{ ...ballot, validator: 0, signature }]);
}

/** The genesis block and what makes a store hold it. */
export function genesis() {
  const bare = makeBlock(null, [], ZERO_HASH);
  const overlay = execute(EMPTY_STATE, bare, [], null);
  const block = makeBlock(null, [], overlay.root);
  const writes = [
    ...finalBlockWrites({ block, records: [], certificate: null }),
    ...validatorSetWrites(VALIDATORS, nodeSuite),
    ...overlay.writes(),
  ];
  return { block, writes };
}
