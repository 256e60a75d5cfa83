import type { NodeState } from './coverage.ts';

/** Observed to take more than this many times as long as it says. */
const SLOW = 2;

/** What counts for or against a node here, the worst that applies: `good` is nothing against it. */
export type NodeStanding = 'refused' | 'unregistered' | 'unreachable' | 'faulty' | 'slow' | 'good';

const WORST_FIRST: readonly NodeStanding[] = ['refused', 'unregistered', 'unreachable', 'faulty', 'slow', 'good'];

export function standingOf({ faults, registered, reachable, slowness }: NodeState): NodeStanding {
  if (faults.refused) return 'refused';
  if (registered === false) return 'unregistered';
  if (!reachable) return 'unreachable';
  if (faults.points > 0) return 'faulty';
  return slowness > SLOW ? 'slow' : 'good';
}

export const NODE_ORDERS = ['distance', 'hosted', 'load', 'standing'] as const;
export type NodeOrder = (typeof NODE_ORDERS)[number];

const VALUE: Readonly<Record<NodeOrder, (node: NodeState) => number>> = {
  distance: ({ rttMs, reachable }) => (reachable ? (rttMs ?? Number.MAX_VALUE) : Number.POSITIVE_INFINITY),
  hosted: ({ hosted }) => -hosted.blocks,
  load: ({ active, queued }) => -(active + queued),
  standing: (node) => WORST_FIRST.indexOf(standingOf(node)),
};

/** Nodes whose id, version, profile, host or software have the text in them, in this order; ids decide between equals. */
export function listedNodes(nodes: readonly NodeState[], order: NodeOrder, wanted: string): NodeState[] {
  const text = wanted.trim().toLowerCase();
  const value = VALUE[order];
  return nodes
    .filter(({ peerId, version, profile, host }) =>
      [peerId, version, profile, host].some((one) => one.toLowerCase().includes(text)),
    )
    .sort((a, b) => {
      const [first, second] = [value(a), value(b)];
      return first === second ? (a.peerId < b.peerId ? -1 : 1) : first - second;
    });
}
