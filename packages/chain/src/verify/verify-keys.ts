import { decodeOutline, decodeRecord, decodeValidatorSet, validatorSetHash } from '@blyan/chain-format';
import type { BlockRepository } from '../storage/block-repository.ts';
import { placeKeys } from '../storage/block-writes.ts';
import { blockKey, epochEndKey, placeOfIndexKey } from '../storage/keys.ts';
import { decodeEpochEnd, decodeHeight, decodePlace } from '../storage/stored-values.ts';
import type { Findings } from './findings.ts';
import type { VerifyDeps } from './verify-chain.ts';

/** Keys whose values other parts of the chain look after: state, journal and what was said above. */
const ELSEWHERE = ['s', 't', 'c'];
const SINGLE = ['m/head', 'm/pruned', 'm/snapshot'];

/**
 * That every key of the store leads to something on the chain: what is missing was found from the blocks, this finds what is too
 * much.
 */
export async function verifyKeys(
  { store, suite }: VerifyDeps,
  repository: BlockRepository,
  findings: Findings,
  signal?: AbortSignal,
): Promise<void> {
  const head = repository.head()?.height ?? 0;
  const unfinalised = new Set<string>();
  for await (const [key, value] of store.entries({ from: 'u/', to: 'u0' })) {
    const block = findings.try(key, () => decodeOutline(value, suite));
    if (block !== null && key !== `u/${block.hash}`) findings.add(key, 'it is another block');
    for (const hash of block?.recordHashes ?? []) unfinalised.add(hash);
  }
  const blockAt = (height: number) => (height > head ? undefined : repository.blockAt(height)?.block);
  const leads: Record<string, (id: string, value: Uint8Array, key: string) => boolean> = {
    b: (_, __, key) => key >= blockKey(0) && key <= blockKey(head) && key.length === blockKey(0).length,
    h: (id, value) => blockAt(decodeHeight(value))?.hash === id,
    x: (id, value) => {
      const { height, index } = decodePlace(value);
      return blockAt(height)?.recordHashes[index] === id;
    },
    r: (id, value) =>
      (repository.placeOf(id) !== null || unfinalised.has(id)) && decodeRecord(value, suite).hash === id,
    i: (_, value, key) => {
      const place = placeOfIndexKey(key);
      const bytes = repository.recordBytes(blockAt(place.height)?.recordHashes[place.index] ?? '');
      return value.length === 0 && bytes !== null && placeKeys(decodeRecord(bytes, suite), place).includes(key);
    },
    e: (_, value, key) => key === epochEndKey(decodeEpochEnd(value).header.epoch),
    v: (id, value) => validatorSetHash(decodeValidatorSet(value), suite) === id,
    u: () => true,
  };
  for await (const [key, value] of store.entries({ from: '!', to: '~' })) {
    signal?.throwIfAborted();
    if (findings.full) return;
    const [, kind = '', id = ''] = /^([a-z])\/(.*)$/.exec(key) ?? [];
    if (ELSEWHERE.includes(kind) || SINGLE.includes(key)) continue;
    const check = leads[kind];
    const isRight = check === undefined ? false : findings.try(key, () => check(id, value, key));
    if (isRight === false) findings.add(key, 'it leads to nothing on the chain');
  }
}
