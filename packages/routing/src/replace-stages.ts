import type { PeerId } from '@blyan/interface';
import { MAX_STAGES } from '@blyan/params';
import { expertHolders } from './expert-holders.ts';
import type { Plan, PlanStage } from './plan.ts';
import { assemblePlan } from './plan-assembly.ts';
import { planEnds } from './plan-ends.ts';
import { nearestFirst, type PlanInput, type PlanNode, planScope, reluctance } from './plan-scope.ts';

/**
 * The same plan with other nodes in the place of lost ones: stages of the others keep their ranges of layers, hence
 * their KV caches. A lost stage goes to one node that has all its trunks, most of its experts first, then the fallback
 * order of the plan; when there is none, it is cut into the longest runs that nodes have. Holders of experts,
 * embedding and head are chosen anew without the lost nodes.
 *
 * @returns null when nobody can take over a lost layer, embedding or head, or an expert is nowhere
 */
export function replaceStages(plan: Plan, lost: ReadonlySet<PeerId>, input: PlanInput): Plan | null {
  const views = input.views.filter(({ peerId }) => !lost.has(peerId) || peerId === input.self);
  const scope = planScope({ ...input, views });
  if (scope === null) return null;
  const nodes = scope.nodes.filter(({ peerId }) => !lost.has(peerId));
  const stages: PlanStage[] = [];
  for (const stage of plan.stages) {
    if (!lost.has(stage.peerId) && nodes.some(({ peerId }) => peerId === stage.peerId)) {
      stages.push(stage);
      continue;
    }
    const others = takers(stage, candidates(plan, nearestFirst(scope.self, nodes)));
    if (others === null) return null;
    stages.push(...others);
  }
  if (stages.length > MAX_STAGES) return null;
  const byId = new Map(nodes.map((node) => [node.peerId, node]));
  const callers = stages.flatMap(({ peerId, firstLayer, lastLayer }) =>
    Array.from({ length: lastLayer - firstLayer + 1 }, () => byId.get(peerId) as PlanNode),
  );
  const left = { ...scope, nodes };
  const { experts, missing } = expertHolders(left, callers);
  const ends = planEnds(left, callers[0] ?? scope.self, callers.at(-1) ?? scope.self);
  if (missing.length > 0 || 'missing' in ends) return null;
  const keep = (peerId: PeerId, node: PlanNode) => (byId.has(peerId) ? peerId : node.peerId);
  return assemblePlan(plan.type, left, {
    embedding: keep(plan.embedding, ends.embedding),
    head: keep(plan.head, ends.head),
    stages,
    experts,
  });
}

/** Willing nodes first, then in the plan's fallback order, then near ones first. */
function candidates(plan: Plan, near: readonly PlanNode[]): PlanNode[] {
  const rank = new Map(plan.fallbackOrder.map((peerId, index) => [peerId, index]));
  const rankOf = ({ peerId }: PlanNode) => rank.get(peerId) ?? plan.fallbackOrder.length;
  return [...near].sort((a, b) => reluctance(a) - reluctance(b) || rankOf(a) - rankOf(b));
}

function takers(stage: PlanStage, nodes: readonly PlanNode[]): PlanStage[] | null {
  const { firstLayer, lastLayer } = stage;
  const whole = nodes.filter(({ holdings }) => holdings.trunks(firstLayer, lastLayer));
  const [best] = whole
    .map((node) => ({ node, experts: heldExperts(node, firstLayer, lastLayer) }))
    .sort((a, b) => reluctance(a.node) - reluctance(b.node) || b.experts - a.experts);
  if (best) return [{ peerId: best.node.peerId, firstLayer, lastLayer }];
  const parts: PlanStage[] = [];
  for (let layer = firstLayer; layer <= lastLayer; ) {
    let longest: PlanStage | null = null;
    for (const { peerId, holdings } of nodes) {
      let end = layer - 1;
      while (end < lastLayer && holdings.trunk(end + 1)) end++;
      if (end >= layer && (longest === null || end > longest.lastLayer)) {
        longest = { peerId, firstLayer: layer, lastLayer: end };
      }
    }
    if (longest === null) return null;
    parts.push(longest);
    layer = longest.lastLayer + 1;
  }
  return parts;
}

function heldExperts({ holdings }: PlanNode, firstLayer: number, lastLayer: number): number {
  let held = 0;
  for (let layer = firstLayer; layer <= lastLayer; layer++) held += holdings.expertCount(layer);
  return held;
}
