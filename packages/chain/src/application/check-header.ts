import { type BlockHeader, type BlockOutline, type CryptoSuite, isWholeOutline } from '@blyan/chain-format';
import type { NetworkId } from '@blyan/interface';
import type { ChainErrorCode } from '../errors.ts';
import type { EpochSets } from './epoch-sets.ts';

/** The code of what a header says wrongly, as far as that shows without executing its records; null for nothing. */
export function headerFault(
  block: BlockOutline,
  parent: BlockHeader,
  network: NetworkId,
  { rules, validatorsHash, nextValidatorsHash }: EpochSets,
  suite: CryptoSuite,
): ChainErrorCode | null {
  const { header } = block;
  if (header.network !== network) return 'ERR_CHAIN_BLOCK_NETWORK';
  if (!isWholeOutline(block, suite)) return 'ERR_CHAIN_BLOCK_CONTENT';
  // The views of an epoch count from the block it starts from, whatever view that was of.
  const viewBefore = parent.height === rules.start.header.height ? 0 : parent.view;
  const isInPlace =
    header.height === parent.height + 1 &&
    header.height <= rules.lastHeight &&
    header.epoch === rules.epoch &&
    header.view > viewBefore;
  if (!isInPlace) return 'ERR_CHAIN_BLOCK_PLACE';
  if (header.timeMs <= parent.timeMs) return 'ERR_CHAIN_BLOCK_TIME';
  const hasSets = header.validatorsHash === validatorsHash && header.nextValidatorsHash === nextValidatorsHash;
  return hasSets && header.proposer < rules.validators.length ? null : 'ERR_CHAIN_BLOCK_VALIDATORS';
}
