import type { Holdings } from './holdings.ts';
import { nearestFirst, type PlanNode, type PlanScope } from './plan-scope.ts';

/** Where the embedding and the head are computed: here, else at the stage next to it, else at the nearest holder. */
export function planEnds(
  scope: PlanScope,
  first: PlanNode,
  last: PlanNode,
): { embedding: PlanNode; head: PlanNode } | { missing: string[] } {
  const pick = (stage: PlanNode, has: (holdings: Holdings) => boolean): PlanNode | undefined =>
    [scope.self, stage, ...nearestFirst(scope.self, scope.nodes)].find((node) => has(node.holdings));
  const embedding = pick(first, (holdings) => holdings.embedding);
  const head = pick(last, (holdings) => holdings.head);
  if (embedding !== undefined && head !== undefined) return { embedding, head };
  return { missing: [...(embedding ? [] : ['embedding']), ...(head ? [] : ['head'])] };
}
