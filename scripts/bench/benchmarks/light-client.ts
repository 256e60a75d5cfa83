import { EMPTY_STATE, proveState, StateOverlay, stateRoot } from '@blyan/chain';
import {
  assembleCertificate,
  type Ballot,
  type BlockHeader,
  ballotMessage,
  type CryptoSuite,
  certificateSigners,
  encodeStateProof,
  headerHash,
  nobleSuite,
  recordsRoot,
  validatorSetHash,
  verifyStateProof,
  ZERO_HASH,
} from '@blyan/chain-format';
import { generateKeyPair, nodeSuite, signEd25519, toHex } from '@blyan/crypto';
import { type EpochEnd, encodeEpochEnd, LightClient } from '@blyan/light-client';
import { EPOCH_BLOCKS } from '@blyan/params';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureEd25519 } from '../limits/ed25519-rate.ts';
import { median, rangeOf } from '../stats.ts';

const NETWORK = '01'.repeat(32);
const ACCOUNTS = 10_000;
const HASH_BYTES = 32;
/** Of the key, of the value, of the leaf. */
const HASHES_OF_LEAF = 3;

export const lightClient: Benchmark = {
  name: 'light-client',
  about:
    'A client that follows the last headers of epochs (OpenSSL, and noble as in a browser) against signatures per second; ' +
    'proofs of a state of 10,000 accounts.',
  async run({ quick, report }) {
    const rate = measureEd25519(quick ? 2 : 5);
    report(figure('light-client.ed25519', rate, 'verifications/s'));
    for (const validators of [4, 100]) {
      const { start, ends, signatures } = chainOf(validators, quick ? 40 : 200);
      for (const [name, suite] of [
        ['openssl', nodeSuite],
        ['noble', nobleSuite],
      ] as const) {
        const some = name === 'noble' ? ends.slice(0, Math.ceil(200 / validators)) : ends;
        const speeds: number[] = [];
        for (let round = 0; round <= (quick ? 2 : 5); round++) {
          const started = performance.now();
          const client = start(suite);
          for (const end of some) client.advance(end);
          if (round > 0) speeds.push((some.length * 1000) / (performance.now() - started));
        }
        report(
          figure(`light-client.epochs-${validators}-${name}`, median(speeds), 'headers/s', {
            range: rangeOf(speeds),
            ...(name === 'openssl' ? { limit: rate / signatures, against: 'signatures alone' } : {}),
          }),
        );
      }
      const bytes = encodeEpochEnd(ends[0] as EpochEnd).length;
      report(figure(`light-client.epoch-bytes-${validators}`, bytes, 'B'));
    }
    reportProofs(quick, report);
  },
};

/** Epochs of one set of validators, of whom a quorum signs. */
function chainOf(validators: number, epochs: number) {
  const keys = Array.from({ length: validators }, () => generateKeyPair())
    .map((pair) => ({ seed: pair.secretSeed, publicKey: toHex(pair.publicKey) }))
    .sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
  const set = keys.map(({ publicKey }) => ({ publicKey, weight: 1 }));
  const setHash = validatorSetHash(set, nodeSuite);
  const signers = keys.slice(0, Math.floor((2 * validators) / 3) + 1);
  const headerAt = (height: number, parent: string): BlockHeader => ({
    network: NETWORK,
    epoch: height === 0 ? 0 : height / EPOCH_BLOCKS - 1,
    height,
    view: height === 0 ? 0 : EPOCH_BLOCKS,
    parent,
    timeMs: 1_700_000_000_000 + height,
    proposer: 0,
    recordCount: 0,
    recordsRoot: recordsRoot([], nodeSuite),
    stateRoot: ZERO_HASH,
    validatorsHash: setHash,
    nextValidatorsHash: setHash,
  });
  const genesis = headerAt(0, ZERO_HASH);
  const ends: EpochEnd[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const header = headerAt((epoch + 1) * EPOCH_BLOCKS, setHash);
    const block = headerHash(header, nodeSuite);
    const ballot: Ballot = { kind: 'finalise', epoch, view: header.view, block };
    const message = ballotMessage(NETWORK, ballot);
    const votes = signers.map(({ seed }, validator) => ({
      ...ballot,
      validator,
      signature: signEd25519(message, seed),
    }));
    ends.push({ header, certificate: assembleCertificate(ballot, votes), nextValidators: null });
  }
  const checkpoint = { network: NETWORK, epochBlocks: EPOCH_BLOCKS, hash: headerHash(genesis, nodeSuite) };
  const start = (suite: CryptoSuite) => new LightClient(checkpoint, genesis, set, suite);
  return { start, ends, signatures: certificateSigners((ends[0] as EpochEnd).certificate).length };
}

function reportProofs(quick: boolean, report: BenchRun['report']): void {
  const keys = Array.from(
    { length: ACCOUNTS },
    (_, i) => `account/${toHex(nodeSuite.sha256(Uint8Array.of(i >> 8, i)))}`,
  );
  const state = new StateOverlay(EMPTY_STATE, new Map(keys.map((key) => [key, new Uint8Array(24).fill(7)])));
  const root = stateRoot(state);
  const sample = keys.filter((_, i) => i % (quick ? 50 : 10) === 0);
  const proofs = [...sample, ...sample.map((key) => `${key}0`)].map((key) => proveState(state, key));
  const sizes = proofs.map((proof) => encodeStateProof(proof).length);
  const hashes = median(proofs.map(({ siblings }) => siblings.length)) + HASHES_OF_LEAF;
  report(
    figure('light-client.state-proof', median(sizes), 'B', {
      limit: HASH_BYTES * Math.log2(ACCOUNTS),
      against: 'a hash for each halving of the accounts',
    }),
  );
  report(figure('light-client.state-proof-max', Math.max(...sizes), 'B'));
  for (const [name, suite] of [
    ['openssl', nodeSuite],
    ['noble', nobleSuite],
  ] as const) {
    const times: number[] = [];
    for (let round = 0; round <= 3; round++) {
      const started = performance.now();
      for (const proof of proofs) verifyStateProof(root, proof, suite);
      if (round > 0) times.push(((performance.now() - started) * 1000) / proofs.length);
    }
    report(
      figure(`light-client.state-proof-${name}`, Math.min(...times), 'us', {
        limit: hashes * hashUs(suite),
        against: `its ${hashes} hashes alone`,
      }),
    );
  }
}

/** Microseconds for a hash of two hashes, the best of some rounds. */
function hashUs({ sha256 }: CryptoSuite): number {
  const node = new Uint8Array(1 + 2 * HASH_BYTES);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const started = performance.now();
    for (let i = 0; i < 2_000; i++) sha256(node);
    best = Math.min(best, (performance.now() - started) / 2);
  }
  return best;
}
