import type { NodeState } from './coverage.ts';

export interface NetworkSums {
  readonly nodes: number;
  /** This one, and those with an open connection. */
  readonly reachable: number;
  readonly gateways: number;
  /** Sequences being computed, and requests that wait. */
  readonly active: number;
  readonly queued: number;
  readonly freeKvBytes: number;
  /** Peers with something held against them, and those of them that are refused. */
  readonly faulty: number;
  readonly refused: number;
  /** Nodes by arithmetic profile, the most first. */
  readonly profiles: readonly (readonly [profile: string, nodes: number])[];
  /** Nodes by tier, the lowest first. */
  readonly tiers: readonly (readonly [tier: number, nodes: number])[];
}

/** What the nodes are together. */
export function networkSums(nodes: readonly NodeState[]): NetworkSums {
  const sum = (of: (node: NodeState) => number) => nodes.reduce((total, node) => total + of(node), 0);
  const count = (is: (node: NodeState) => boolean) => nodes.filter(is).length;
  const profiles = Map.groupBy(nodes, ({ profile }) => profile);
  const tiers = Map.groupBy(nodes, ({ tier }) => tier);
  return {
    nodes: nodes.length,
    reachable: count(({ reachable }) => reachable),
    gateways: count(({ gateway }) => gateway),
    active: sum(({ active }) => active),
    queued: sum(({ queued }) => queued),
    freeKvBytes: sum(({ freeKvBytes }) => freeKvBytes),
    faulty: count(({ faults }) => faults.points > 0),
    refused: count(({ faults }) => faults.refused),
    profiles: [...profiles].map(([name, own]) => [name, own.length] as const).sort((a, b) => b[1] - a[1]),
    tiers: [...tiers].map(([tier, own]) => [tier, own.length] as const).sort((a, b) => a[0] - b[0]),
  };
}
