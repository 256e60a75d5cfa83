import { publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import {
  type Ballot,
  type BlockHeader,
  ballotMessage,
  type ChainRecord,
  nobleSuite,
  type RecordFields,
  recordsRoot,
  signRecord,
  type ValidatorSet,
  type Vote,
  validatorSetHash,
  ZERO_HASH,
} from '../src/index.ts';

export const NETWORK = '0123456789abcdef'.repeat(4);
export const hashOf = (byte: number) => byte.toString(16).padStart(2, '0').repeat(32);

/** `count` validators of weight `weights[i] ?? 1`, by public key, with the seeds of their keys. */
export function committee(count: number, weights: readonly number[] = []): { set: ValidatorSet; seeds: Uint8Array[] } {
  const signers = Array.from({ length: count }, (_, i) => {
    const seed = new Uint8Array(32).fill(i + 1);
    return { seed, publicKey: toHex(publicKeyOf(seed)) };
  }).sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
  return {
    set: signers.map(({ publicKey }, i) => ({ publicKey, weight: weights[i] ?? 1 })),
    seeds: signers.map(({ seed }) => seed),
  };
}

export function voteOf(ballot: Ballot, validator: number, seed: Uint8Array, network = NETWORK): Vote {
  const { kind, epoch, view, block } = ballot;
  return { kind, epoch, view, block, validator, signature: signEd25519(ballotMessage(network, ballot), seed) };
}

export function headerOf(fields: Partial<BlockHeader> = {}, recordHashes: readonly string[] = []): BlockHeader {
  const { set } = committee(4);
  const setHash = validatorSetHash(set, nobleSuite);
  return {
    network: NETWORK,
    epoch: 0,
    height: 1,
    view: 1,
    parent: ZERO_HASH,
    timeMs: 1_700_000_000_000,
    proposer: 0,
    recordCount: recordHashes.length,
    recordsRoot: recordsRoot(recordHashes, nobleSuite),
    stateRoot: hashOf(0x5a),
    validatorsHash: setHash,
    nextValidatorsHash: setHash,
    ...fields,
  };
}

export function recordOf(fields: Partial<RecordFields> = {}, seed = new Uint8Array(32).fill(7)): ChainRecord {
  const whole: RecordFields = {
    network: NETWORK,
    lane: 'C',
    type: 'transfer',
    version: 1,
    author: toHex(publicKeyOf(seed)),
    nonce: 0,
    fee: 1_000_000_000_000_000n,
    dependsOn: [],
    body: { to: new Uint8Array(32).fill(9), amount: 25n * 10n ** 18n },
    ...fields,
  };
  return signRecord(whole, (message) => signEd25519(message, seed));
}
