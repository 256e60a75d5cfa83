import { encodeEpochEnd } from '@blyan/light-client';
import type { BlockRepository } from '../storage/block-repository.ts';
import { EPOCH_ENDS_BYTES, MAX_EPOCH_ENDS } from './ports.ts';

/**
 * Ends of finished epochs from one on, canonical bytes, each the next: what a light client follows. As many as fit
 * {@link EPOCH_ENDS_BYTES} and {@link MAX_EPOCH_ENDS}, one at least where there is one.
 *
 * @throws ERR_CHAIN_STORED
 */
export function epochEndsFrom(repository: BlockRepository, fromEpoch: number): Uint8Array[] {
  const ends: Uint8Array[] = [];
  let room = EPOCH_ENDS_BYTES;
  for (let epoch = fromEpoch; room > 0 && ends.length < MAX_EPOCH_ENDS; epoch++) {
    const end = repository.epochEnd(epoch);
    if (end === null) break;
    const { validatorsHash, nextValidatorsHash } = end.header;
    const changes = nextValidatorsHash !== validatorsHash;
    const nextValidators = changes ? repository.validatorSet(nextValidatorsHash) : null;
    const bytes = encodeEpochEnd({ ...end, nextValidators });
    room -= bytes.length;
    if (room < 0 && ends.length > 0) break;
    ends.push(bytes);
  }
  return ends;
}
