import type { PeerId } from '@blyan/interface';

export interface HolderCandidate {
  readonly peerId: PeerId;
  /** What a call is expected to take, or the round trip when nothing is known. */
  readonly ms: number;
  /** 0 gladly; higher only when there is nobody below. */
  readonly reluctance: number;
}

/** Replicas are near when within this factor of the best one and this many milliseconds. */
const BAND_FACTOR = 1.25;
const BAND_MS = 2;

/**
 * Of the holders nobody is more willing than, one within the band of the nearest. The key picks inside the band: the
 * experts of a layer spread over near replicas, and an expert is asked of the same one each time, whose caches know it.
 *
 * @param key of the expert
 */
export function chooseHolder(candidates: readonly HolderCandidate[], key: number): PeerId | undefined {
  if (candidates.length <= 1) return candidates[0]?.peerId;
  const least = Math.min(...candidates.map(({ reluctance }) => reluctance));
  const willing = candidates.filter(({ reluctance }) => reluctance === least);
  const best = Math.min(...willing.map(({ ms }) => ms));
  const band = willing
    .filter(({ ms }) => ms <= best * BAND_FACTOR + BAND_MS)
    .map(({ peerId }) => peerId)
    .sort();
  return band[key % band.length];
}
