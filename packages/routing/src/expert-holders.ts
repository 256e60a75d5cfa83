import type { PeerId } from '@blyan/interface';
import { MAX_EXPERT_HOLDERS } from '@blyan/params';
import { nearestFirst, type PlanNode, type PlanScope } from './plan-scope.ts';

/**
 * For every expert of every layer its holders, in the order in which the node computing the layer tries them.
 *
 * @param callers [layer] -> the node computing it
 * @returns [layer][expert] -> at most 8 peers, and the labels of experts that no node of the scope holds
 */
export function expertHolders(
  scope: PlanScope,
  callers: readonly PlanNode[],
): { experts: PeerId[][][]; missing: string[] } {
  const orders = new Map<PeerId, PlanNode[]>();
  const missing: string[] = [];
  const experts = callers.map((caller, layer) => {
    const order = orders.get(caller.peerId) ?? nearestFirst(caller, scope.nodes);
    orders.set(caller.peerId, order);
    return holdersOfLayer(order, layer, scope.input.manifest.spec.expertCount, missing);
  });
  return { experts, missing };
}

/** The holders of each expert of one layer, taken from `order` as it stands; labels of unheld experts go to `missing`. */
export function holdersOfLayer(
  order: readonly PlanNode[],
  layer: number,
  expertCount: number,
  missing: string[] = [],
): PeerId[][] {
  return Array.from({ length: expertCount }, (_, expert) => {
    const holders: PeerId[] = [];
    for (const node of order) {
      if (node.holdings.expert(layer, expert)) holders.push(node.peerId);
      if (holders.length === MAX_EXPERT_HOLDERS) break;
    }
    if (holders.length === 0) missing.push(`expert:${layer}.${expert}`);
    return holders;
  });
}
