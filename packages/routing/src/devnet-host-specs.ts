import { RoutingError } from './errors.ts';

const MAX_NODES = 16;
/** From this many nodes on, every block lies on two of them. */
const REPLICATED_FROM = 4;

/**
 * What the nodes of a local network host, node 0 first: node 0 the embedding, the head, every trunk and its share of
 * the experts, the others every trunk and their shares. Up to three nodes no expert is held twice; from four nodes
 * every block is on two of them, so that any node but node 0 may die.
 *
 * Shares are ranges of layers; with fewer layers than nodes, ranges of experts in every layer; with fewer of both,
 * ranges over all (layer, expert) pairs, some of them empty.
 *
 * @param nodeCount 1 to 16
 * @throws RoutingError ERR_ROUTING_NODE_COUNT
 */
export function devnetHostSpecs(nodeCount: number, spec: { layerCount: number; expertCount: number }): string[] {
  if (!Number.isInteger(nodeCount) || nodeCount < 1 || nodeCount > MAX_NODES) {
    throw new RoutingError('ERR_ROUTING_NODE_COUNT', `A local network has 1 to ${MAX_NODES} nodes, not ${nodeCount}.`, {
      meta: { nodeCount },
    });
  }
  const replicated = nodeCount >= REPLICATED_FROM;
  const share = shareOf(nodeCount, spec);
  return Array.from({ length: nodeCount }, (_, node) => {
    const next = (node + 1) % nodeCount;
    const ends = node === 0 || (replicated && node === 1) ? ['embedding', 'head'] : [];
    // Two neighbouring shares are one range, but for the last node, whose second share is the first one.
    const experts = !replicated
      ? share(node, node)
      : next === 0
        ? [...share(0, 0), ...share(node, node)]
        : share(node, next);
    return [...ends, 'trunk', ...experts].join(',');
  });
}

/** Returns a function that gives the SPEC parts of the shares `from` to `to`, inclusive. */
function shareOf(nodeCount: number, { layerCount, expertCount }: { layerCount: number; expertCount: number }) {
  const bounds = (units: number, from: number, to: number) => ({
    first: Math.floor((from * units) / nodeCount),
    last: Math.floor(((to + 1) * units) / nodeCount) - 1,
  });
  return (from: number, to: number): string[] => {
    if (layerCount >= nodeCount) {
      const { first, last } = bounds(layerCount, from, to);
      return [`layers:${first}-${last}`];
    }
    if (expertCount >= nodeCount) {
      const { first, last } = bounds(expertCount, from, to);
      return [`experts:*.${first}-${last}`];
    }
    const { first, last } = bounds(layerCount * expertCount, from, to);
    const parts: string[] = [];
    for (let layer = 0; layer < layerCount; layer++) {
      const low = Math.max(first - layer * expertCount, 0);
      const high = Math.min(last - layer * expertCount, expertCount - 1);
      if (low <= high) parts.push(`experts:${layer}.${low}-${high}`);
    }
    return parts;
  };
}
