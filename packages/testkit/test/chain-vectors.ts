import {
  assembleCertificate,
  type Ballot,
  type BlockHeader,
  ballotMessage,
  type ChainRecord,
  encodeCertificate,
  encodeEvidence,
  encodeHeader,
  encodeRecord,
  encodeRecordProof,
  encodeStateProof,
  encodeValidatorSet,
  encodeVote,
  hashRecord,
  headerHash,
  nobleSuite,
  proveRecord,
  recordsRoot,
  signRecord,
  slashable,
  stateLeafHash,
  stateNodeHash,
  statePath,
  type Vote,
  validatorSetHash,
} from '@blyan/chain-format';
import { publicKeyOf, signEd25519, toHex } from '@blyan/crypto';

const NETWORK = '0123456789abcdef'.repeat(4);
const seedOf = (byte: number) => new Uint8Array(32).fill(byte);
const keyOf = (byte: number) => toHex(publicKeyOf(seedOf(byte)));

/** Seeds 1 to 4, by public key. */
const SEEDS = [1, 2, 3, 4].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
const SET = SEEDS.map((byte) => ({ publicKey: keyOf(byte), weight: byte }));

function transfer(nonce: number): ChainRecord {
  const fields = {
    network: NETWORK,
    lane: 'C',
    type: 'transfer',
    version: 1,
    author: keyOf(7),
    nonce,
    fee: 10n ** 15n,
    dependsOn: [],
    body: { to: publicKeyOf(seedOf(8)), amount: 25n * 10n ** 18n },
  } as const;
  return signRecord(fields, (message) => signEd25519(message, seedOf(7)));
}

/** The state `{a: 01, b: 02}`: its root, and proofs of `a` and of a key that is not there. */
function stateVectors() {
  const keys = ['a', 'b'] as const;
  const leaves = keys.map((key, i) => {
    const path = statePath(key, nobleSuite);
    const valueHash = nobleSuite.sha256(Uint8Array.of(i + 1));
    return { path, valueHash, hash: stateLeafHash(path, valueHash, nobleSuite) };
  });
  // SHA-256 of "a" begins with ca, of "b" with 3e: one bit tells them apart.
  const [a, b] = leaves as [(typeof leaves)[0], (typeof leaves)[0]];
  const root = stateNodeHash(b.hash, a.hash, nobleSuite);
  return {
    'chain/state-root': toHex(root),
    'chain/state-proof': toHex(
      encodeStateProof({ key: 'a', value: Uint8Array.of(1), siblings: [toHex(b.hash)], other: null }),
    ),
    // SHA-256 of "c" begins with 2e, on b's side.
    'chain/absence-proof': toHex(
      encodeStateProof({
        key: 'c',
        value: null,
        siblings: [toHex(a.hash)],
        other: { path: toHex(b.path), valueHash: toHex(b.valueHash) },
      }),
    ),
  };
}

/** The chain's formats, as `docs/PROTOCOL.md` quotes them. */
export function chainVectors(): Record<string, string> {
  const records = [0, 1, 2].map((nonce) => encodeRecord(transfer(nonce)));
  const hashes = records.map((bytes) => hashRecord(bytes, nobleSuite));
  const state = stateVectors();
  const setHash = validatorSetHash(SET, nobleSuite);
  const header: BlockHeader = {
    network: NETWORK,
    epoch: 1,
    height: 300,
    view: 45,
    parent: 'aa'.repeat(32),
    timeMs: 1_700_000_000_000,
    proposer: 2,
    recordCount: hashes.length,
    recordsRoot: recordsRoot(hashes, nobleSuite),
    stateRoot: state['chain/state-root'],
    validatorsHash: setHash,
    nextValidatorsHash: setHash,
  };
  const ballot: Ballot = { kind: 'finalise', epoch: 1, view: 45, block: headerHash(header, nobleSuite) };
  const voteOn = (what: Ballot, validator: number): Vote => {
    const signature = signEd25519(ballotMessage(NETWORK, what), seedOf(SEEDS[validator] as number));
    return { ...what, validator, signature };
  };
  const evidence = slashable(voteOn(ballot, 1), voteOn({ ...ballot, kind: 'dummy', block: null }, 1));
  if (evidence === null) throw new Error('the two votes are slashable');
  const signers = SET.flatMap(({ weight }, i) => (weight === 1 ? [] : [i]));
  const certificate = assembleCertificate(
    ballot,
    signers.map((i) => voteOn(ballot, i)),
  );
  return {
    'chain/record': toHex(records[0] as Uint8Array),
    'chain/record-hash': hashes[0] as string,
    'chain/records-root': header.recordsRoot,
    'chain/record-proof': toHex(encodeRecordProof(proveRecord(hashes, 0, nobleSuite))),
    'chain/validator-set': toHex(encodeValidatorSet(SET)),
    'chain/validator-set-hash': setHash,
    'chain/header': toHex(encodeHeader(header)),
    'chain/header-hash': headerHash(header, nobleSuite),
    'chain/vote-message': toHex(ballotMessage(NETWORK, ballot)),
    'chain/vote': toHex(encodeVote(voteOn(ballot, 1))),
    'chain/certificate': toHex(encodeCertificate(certificate)),
    'chain/evidence': toHex(encodeEvidence(evidence)),
    ...state,
  };
}
