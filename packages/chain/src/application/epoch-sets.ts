import {
  type BlockOutline,
  type CryptoSuite,
  headerHash,
  type ValidatorSet,
  validatorSetHash,
} from '@blyan/chain-format';
import { decodeCanonical } from '@blyan/codec';
import type { Hash } from '@blyan/interface';
import { ChainError } from '../errors.ts';
import { VALIDATORS_KEY } from '../state/state-keys.ts';
import type { StateReader } from '../state/state-reader.ts';
import type { BlockRepository } from '../storage/block-repository.ts';
import type { EpochRules } from './application.ts';
import { validatorsOf } from './genesis-block.ts';

/** An epoch that has begun: its rules, and what its headers commit to. */
export interface EpochSets {
  readonly rules: EpochRules;
  readonly validatorsHash: Hash;
  /** Of the epoch after. */
  readonly next: ValidatorSet;
  readonly nextValidatorsHash: Hash;
}

/** The epoch that the block after the head belongs to, as the store has it. */
export function openEpoch(
  head: BlockOutline,
  state: StateReader,
  repository: BlockRepository,
  epochBlocks: number,
  suite: CryptoSuite,
): EpochSets {
  const epoch = Math.floor(head.header.height / epochBlocks);
  const isStart = head.header.height === epoch * epochBlocks;
  const start = isStart ? head : stored(repository.blockAt(epoch * epochBlocks)?.block, `block ${epoch * epochBlocks}`);
  const set = (hash: Hash): ValidatorSet => {
    const empty: ValidatorSet = [];
    if (hash === validatorSetHash(empty, suite)) return empty;
    return stored(repository.validatorSet(hash), `validator set ${hash}`);
  };
  const validators = set(isStart ? head.header.nextValidatorsHash : head.header.validatorsHash);
  const next = isStart ? validatorsIn(state) : set(head.header.nextValidatorsHash);
  const seed = seedOf(epoch, repository, suite);
  return epochSets({ epoch, validators, seed, start, lastHeight: (epoch + 1) * epochBlocks }, next, suite);
}

/** The epoch that begins with the last block of another, `state` being what it leaves behind. */
export function followingEpoch(
  { rules, next }: EpochSets,
  start: BlockOutline,
  state: StateReader,
  epochBlocks: number,
  suite: CryptoSuite,
): EpochSets {
  const epoch = rules.epoch + 1;
  const lastHeight = (epoch + 1) * epochBlocks;
  return epochSets({ epoch, validators: next, seed: rules.start.hash, start, lastHeight }, validatorsIn(state), suite);
}

function epochSets(rules: EpochRules, next: ValidatorSet, suite: CryptoSuite): EpochSets {
  const validatorsHash = validatorSetHash(rules.validators, suite);
  return { rules, validatorsHash, next, nextValidatorsHash: validatorSetHash(next, suite) };
}

/** Hash of the block that the epoch before started from; the first two epochs have the genesis block's. */
function seedOf(epoch: number, repository: BlockRepository, suite: CryptoSuite): Hash {
  if (epoch <= 1) return stored(repository.blockAt(0)?.block.hash, 'the genesis block');
  return headerHash(stored(repository.epochEnd(epoch - 2), `the end of epoch ${epoch - 2}`).header, suite);
}

function validatorsIn(state: StateReader): ValidatorSet {
  const bytes = state.get(VALIDATORS_KEY);
  return validatorsOf(bytes && decodeCanonical(bytes));
}

function stored<T>(value: T | null | undefined, what: string): T {
  if (value !== null && value !== undefined) return value;
  throw new ChainError('ERR_CHAIN_STATE_DAMAGED', `The chain on disk lacks ${what}; fetch a snapshot.`, {
    kind: 'internal',
    meta: { key: what },
  });
}
