import type { NodeState } from './coverage.ts';

/** Of the drawing, whose middle is this node. */
export const TOPOLOGY = Object.freeze({ size: 400, nearest: 46, farthest: 158, beyond: 182 });
/** With more nodes than this their names would cover each other. */
const NAMED_NODES = 16;

export interface TopologyDot {
  readonly peerId: string;
  readonly x: number;
  readonly y: number;
  /** A connection is open. */
  readonly isLinked: boolean;
  readonly isRefused: boolean;
  /** Where its name stands, and on which side of that point; null where there are too many names. */
  readonly name: { readonly x: number; readonly y: number; readonly anchor: 'start' | 'end' } | null;
}

export interface Topology {
  /** All nodes but this one, by id. */
  readonly dots: readonly TopologyDot[];
  readonly rings: readonly { readonly ms: number; readonly radius: number }[];
}

/**
 * Nodes around the one that answers: its round trips are distances, on a logarithmic scale with a ring for each power of ten;
 * those without a connection or a measurement stand outside.
 */
export function topologyOf(nodes: readonly NodeState[]): Topology {
  // By id: a node stays where it is when its round trip changes.
  const others = nodes.filter(({ self }) => !self).sort((a, b) => (a.peerId < b.peerId ? -1 : 1));
  const farthest = Math.max(1, ...others.map(distanceOf).filter(Number.isFinite));
  const outermost = 10 ** Math.ceil(Math.log10(farthest));
  const radiusOf = (ms: number) => {
    const share = Math.log(1 + ms) / Math.log(1 + outermost);
    return TOPOLOGY.nearest + (TOPOLOGY.farthest - TOPOLOGY.nearest) * share;
  };
  const rings: { ms: number; radius: number }[] = [];
  for (let ms = 1; ms <= outermost; ms *= 10) rings.push({ ms, radius: radiusOf(ms) });
  const middle = TOPOLOGY.size / 2;
  const dots = others.map((node, at) => {
    const distance = distanceOf(node);
    const radius = Number.isFinite(distance) ? radiusOf(distance) : TOPOLOGY.beyond;
    const angle = (2 * Math.PI * at) / others.length - Math.PI / 2;
    const [x, y] = [middle + radius * Math.cos(angle), middle + radius * Math.sin(angle)];
    const isLeft = x < middle - 1;
    const name = { x: x + (isLeft ? -10 : 10), y: y + 4, anchor: isLeft ? ('end' as const) : ('start' as const) };
    return {
      ...{ peerId: node.peerId, x, y, isLinked: Number.isFinite(distance), isRefused: node.faults.refused },
      name: others.length <= NAMED_NODES ? name : null,
    };
  });
  return { dots, rings };
}

function distanceOf({ reachable, rttMs }: NodeState): number {
  return reachable && rttMs !== null ? rttMs : Number.POSITIVE_INFINITY;
}
