import { hasBit, weightOf } from './bitmap.ts';
import { blockMap } from './block-map.ts';
import { expertHolders } from './expert-holders.ts';
import { linkRttMs } from './link.ts';
import { assemblePlan } from './plan-assembly.ts';
import { notCovered, type PlanOutcome } from './plan-outcome.ts';
import { missingIn, type PlanNode, type PlanScope, reluctance } from './plan-scope.ts';

/**
 * The whole generation on the node that holds the largest share of the predicted expert choices (of the experts, when
 * nothing was predicted): another node than this one if there is any, the nearer one of equals. Trunks, embedding and
 * head it lacks are in `fetch`; experts it lacks it calls at their holders.
 *
 * @param hostedOnly considers only nodes that have nothing to fetch
 */
export function planDelegate(scope: PlanScope, hostedOnly = false): PlanOutcome {
  const { manifest } = scope.input;
  const { layerCount } = manifest.spec;
  const missing = missingIn(scope);
  if (missing.length > 0) return notCovered(missing);

  const candidates = scope.nodes.filter((node) => !hostedOnly || lacking(node, scope).length === 0);
  const others = candidates.filter((node) => node.peerId !== scope.self.peerId);
  const delegate = best(others.length > 0 ? others : candidates, scope);
  if (delegate === undefined) {
    return { refused: 'No node hosts every trunk, the embedding and the head.', code: 'no_node', missing: [] };
  }
  const { experts } = expertHolders(
    scope,
    Array.from({ length: layerCount }, () => delegate),
  );
  const plan = assemblePlan('static_delegate', scope, {
    embedding: delegate.peerId,
    head: delegate.peerId,
    stages: [{ peerId: delegate.peerId, firstLayer: 0, lastLayer: layerCount - 1 }],
    experts,
  });
  return { plan, fetch: lacking(delegate, scope) };
}

function lacking(node: PlanNode, scope: PlanScope): number[] {
  const map = blockMap(scope.input.manifest);
  return [map.embedding, ...map.trunks, map.head].filter((index) => !hasBit(node.holdings.bitmap, index));
}

function best(candidates: readonly PlanNode[], scope: PlanScope): PlanNode | undefined {
  const ranked = candidates.map((node) => ({
    node,
    last: reluctance(node),
    share: heldWeight(node, scope),
    rttMs: linkRttMs(scope.self.view, node.view),
  }));
  ranked.sort(
    (a, b) => a.last - b.last || b.share - a.share || a.rttMs - b.rttMs || (a.node.peerId < b.node.peerId ? -1 : 1),
  );
  return ranked[0]?.node;
}

function heldWeight({ holdings }: PlanNode, { input }: PlanScope): number {
  const { layerCount } = input.manifest.spec;
  let weight = 0;
  for (let layer = 0; layer < layerCount; layer++) {
    weight +=
      input.predicted === undefined
        ? holdings.expertCount(layer)
        : weightOf(holdings.mask(layer), input.predicted[layer] ?? []);
  }
  return weight;
}
