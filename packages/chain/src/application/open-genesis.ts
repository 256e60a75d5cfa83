import type { BlockOutline, CryptoSuite } from '@blyan/chain-format';
import type { KeyValueStore } from '@blyan/interface';
import { ChainError } from '../errors.ts';
import type { BuiltGenesis } from '../genesis/genesis-bytes.ts';
import type { BlockRepository } from '../storage/block-repository.ts';
import { finalBlockWrites, validatorSetWrites } from '../storage/block-writes.ts';
import { clearChain } from '../storage/clear-chain.ts';
import { genesisBlock } from './genesis-block.ts';

/**
 * The head of the chain in the store; an empty store gets the genesis block first, on disk when this settles.
 * @throws ChainError ERR_CHAIN_NETWORK when the store holds the chain of another genesis, ERR_CHAIN_STATE_DAMAGED
 */
export async function openGenesis(
  genesis: BuiltGenesis,
  store: KeyValueStore,
  repository: BlockRepository,
  suite: CryptoSuite,
): Promise<BlockOutline> {
  const head = repository.head();
  if (head === null) {
    await clearChain(store);
    const { block, state, validators } = genesisBlock(genesis, suite);
    const writes = [...finalBlockWrites({ block, records: [], certificate: null }), ...state.writes()];
    if (validators.length > 0) writes.push(...validatorSetWrites(validators, suite));
    await store.write(writes, { sync: true });
    return block;
  }
  const block = repository.blockAt(head.height)?.block;
  if (block === undefined) {
    const message = `The chain on disk lacks its newest block, ${head.height}; fetch a snapshot or replay the chain.`;
    throw new ChainError('ERR_CHAIN_STATE_DAMAGED', message, { kind: 'internal', meta: { key: `b/${head.height}` } });
  }
  const { network } = block.header;
  if (network === genesis.hash) return block;
  throw new ChainError(
    'ERR_CHAIN_NETWORK',
    `This data directory holds the chain of network ${network}, not of ${genesis.hash}; choose another directory, or start with the other genesis.`,
    { meta: { expected: genesis.hash, actual: network } },
  );
}
