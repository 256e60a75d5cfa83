import { expertHolders } from './expert-holders.ts';
import { assemblePlan } from './plan-assembly.ts';
import { planEnds } from './plan-ends.ts';
import { notCovered, notHosted, type PlanOutcome } from './plan-outcome.ts';
import type { PlanScope } from './plan-scope.ts';

/** Every trunk on this node, experts called at their holders, all of a layer's at once. */
export function planDynamic(scope: PlanScope): PlanOutcome {
  const { self, input } = scope;
  const { layerCount } = input.manifest.spec;
  const layers = Array.from({ length: layerCount }, (_, layer) => layer);
  const lacking = layers.filter((layer) => !self.holdings.trunk(layer)).map((layer) => `trunk:${layer}`);
  if (lacking.length > 0) return notHosted('This node', lacking);
  const { experts, missing } = expertHolders(
    scope,
    layers.map(() => self),
  );
  const ends = planEnds(scope, self, self);
  if ('missing' in ends) return notCovered([...missing, ...ends.missing]);
  if (missing.length > 0) return notCovered(missing);
  const plan = assemblePlan('dynamic', scope, {
    embedding: ends.embedding.peerId,
    head: ends.head.peerId,
    stages: [{ peerId: self.peerId, firstLayer: 0, lastLayer: layerCount - 1 }],
    experts,
  });
  return { plan, fetch: [] };
}
