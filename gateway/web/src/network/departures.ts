import type { NodeState } from './coverage.ts';

export interface Departure {
  readonly peerId: string;
  /** When this page noticed, milliseconds since the epoch. */
  readonly atMs: number;
}

const KEPT = 8;

/** Nodes that were there and are no longer, the latest first; one that came back is none. */
export function departuresOf(
  earlier: readonly Departure[],
  before: readonly NodeState[],
  now: readonly NodeState[],
  nowMs: number,
): readonly Departure[] {
  const there = new Set(now.map(({ peerId }) => peerId));
  const gone = before.filter(({ peerId }) => !there.has(peerId)).map(({ peerId }) => ({ peerId, atMs: nowMs }));
  const known = new Set(gone.map(({ peerId }) => peerId));
  const others = earlier.filter(({ peerId }) => !there.has(peerId) && !known.has(peerId));
  return gone.length === 0 && others.length === earlier.length ? earlier : [...gone, ...others].slice(0, KEPT);
}
