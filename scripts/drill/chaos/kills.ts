import type { Failover } from '@blyan/interface';

export interface Kill {
  readonly label: string;
  readonly peerId: string;
  /** `performance.now()` */
  readonly atMs: number;
  /** Streams that were connected to its gateway. */
  readonly clients: number;
}

export interface CountedAnswer {
  readonly beganMs: number;
  readonly endedMs: number;
  readonly failovers: readonly Failover[];
}

/**
 * The kills that hit a node while it computed an answer: an answer that was under way says that it lost that node. When the
 * node died more than once during an answer, the first failover is of the first kill and so on; an answer that says
 * nothing (its coordinator died and took the report along) proves nothing, so that this is a lower bound.
 */
export function killsThatHit(kills: readonly Kill[], answers: readonly CountedAnswer[]): ReadonlySet<Kill> {
  const hit = new Set<Kill>();
  for (const { beganMs, endedMs, failovers } of answers) {
    const taken = new Map<string, number>();
    for (const { peerId } of failovers) {
      const nth = taken.get(peerId) ?? 0;
      taken.set(peerId, nth + 1);
      const during = kills.filter((kill) => kill.peerId === peerId && kill.atMs >= beganMs && kill.atMs <= endedMs);
      const kill = during[nth];
      if (kill !== undefined) hit.add(kill);
    }
  }
  return hit;
}

/** Failovers by reason: of nodes that were killed during the answer, and of nodes that lived all the time. */
export function countReasons(
  kills: readonly Kill[],
  answers: readonly CountedAnswer[],
): { readonly killed: Record<string, number>; readonly alive: Record<string, number> } {
  const counts = { killed: {} as Record<string, number>, alive: {} as Record<string, number> };
  for (const { beganMs, endedMs, failovers } of answers) {
    for (const { peerId, reason } of failovers) {
      const isKilled = kills.some((kill) => kill.peerId === peerId && kill.atMs >= beganMs && kill.atMs <= endedMs);
      const of = isKilled ? counts.killed : counts.alive;
      of[reason] = (of[reason] ?? 0) + 1;
    }
  }
  return counts;
}

/** Whether every block is on a node that is up. */
export function isCovered(hosted: readonly ReadonlySet<number>[], up: readonly boolean[], blockCount: number): boolean {
  for (let block = 0; block < blockCount; block++) {
    if (!hosted.some((blocks, node) => up[node] && blocks.has(block))) return false;
  }
  return true;
}
