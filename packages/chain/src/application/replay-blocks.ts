import { type CryptoSuite, type ValidatorSet, validatorSetHash } from '@blyan/chain-format';
import { decodeCanonical } from '@blyan/codec';
import type { Hash } from '@blyan/interface';
import { RecordError } from '../records/record-errors.ts';
import { RECORD_TYPES, type RecordRegistry } from '../records/record-registry.ts';
import { VALIDATORS_KEY } from '../state/state-keys.ts';
import type { ExecuteBlock } from '../verify/verify-chain.ts';
import { BlockExecution } from './block-execution.ts';
import { type GenesisBlock, validatorsOf } from './genesis-block.ts';

/**
 * Executes the blocks of a chain again, in their order from the genesis block on: what `verifyChain` asks for.
 * The function it returns throws a RecordError where a record cannot be applied.
 */
export function replayBlocks(
  genesis: GenesisBlock,
  suite: CryptoSuite,
  registry: RecordRegistry = RECORD_TYPES,
): ExecuteBlock {
  const sets = new Map<Hash, ValidatorSet>();
  return (state, { header }, records, parent) => {
    if (parent === null) return genesis.state;
    // A set is in force an epoch after it stood in the state: at the latest now it is known.
    if (header.epoch !== parent.header.epoch || header.height === 1) {
      const bytes = state.get(VALIDATORS_KEY);
      const set = validatorsOf(bytes && decodeCanonical(bytes));
      sets.set(validatorSetHash(set, suite), set);
    }
    const proposer = sets.get(header.validatorsHash)?.[header.proposer];
    if (proposer === undefined) throw new TypeError('the proposer is not in the validator set');
    const { height, timeMs } = header;
    const execution = new BlockExecution(state, { height, timeMs, parent: header.parent, registry });
    for (const record of records) {
      const refusal = execution.add(record);
      if (refusal !== null) throw new RecordError(refusal);
    }
    return execution.seal(proposer.publicKey);
  };
}
