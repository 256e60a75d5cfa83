import { MAX_STAGES } from '@blyan/params';
import { totalMs } from './cost.ts';
import { expertHolders } from './expert-holders.ts';
import { decodeLayerCost, settingOfOrder } from './layer-cost.ts';
import { hopMs, roundTrip } from './link.ts';
import { nodeFigures } from './node-figures.ts';
import type { PlanStage } from './plan.ts';
import { assemblePlan } from './plan-assembly.ts';
import { planEnds } from './plan-ends.ts';
import { notCovered, type PlanOutcome } from './plan-outcome.ts';
import { missingIn, nearestFirst, type PlanNode, type PlanScope, reluctance } from './plan-scope.ts';

const F32_BYTES = 4;
/** Nodes considered per layer: bounds the work to layers x 16 x 16 whatever the network's size. */
const CANDIDATES_PER_LAYER = 16;
/** Of a layer that nobody has whole, where each candidate is dearer to look at and a call dearer than a hop. */
const SCATTERED_CANDIDATES = 8;
/** Keeps nodes of another profile, and nodes to avoid, out wherever another one fits. */
const RELUCTANCE_MS = 1_000_000;
/** This node's own layers count for a little less: of near equals the ones that need no peer win, noise aside. */
const OWN_LAYER_FACTOR = 0.8;

/** A layer on a node, and what a token costs up to and including it. */
interface Step {
  readonly node: PlanNode;
  readonly previous: Step | null;
  readonly ms: number;
  readonly stageCount: number;
}

/**
 * Contiguous layer ranges, chosen by dynamic programming over layers and nodes so that a token takes least: computing,
 * half a round trip per hop and for the direct return, calls for experts a stage lacks. A layer whose trunk and experts
 * some node has completely goes to such a node. This node's own first layers cost no hop, so it comes first
 * unless others are much faster.
 */
export function planPipeline(scope: PlanScope): PlanOutcome {
  const missing = missingIn(scope);
  if (missing.length > 0) return notCovered(missing);
  const last = cheapestPath(scope);
  if (last === null) {
    return { refused: `The model would need more than ${MAX_STAGES} stages.`, code: 'no_node', missing: [] };
  }
  const callers: PlanNode[] = [];
  for (let step: Step | null = last; step !== null; step = step.previous) callers.unshift(step.node);
  const stages: PlanStage[] = [];
  callers.forEach(({ peerId }, layer) => {
    const open = stages.at(-1);
    if (open?.peerId === peerId) stages[stages.length - 1] = { ...open, lastLayer: layer };
    else stages.push({ peerId, firstLayer: layer, lastLayer: layer });
  });
  const ends = planEnds(scope, callers[0] ?? scope.self, last.node);
  if ('missing' in ends) return notCovered(ends.missing);
  const { experts } = expertHolders(scope, callers);
  const shape = { embedding: ends.embedding.peerId, head: ends.head.peerId, stages, experts };
  return { plan: assemblePlan('pipeline', scope, shape), fetch: [] };
}

function cheapestPath(scope: PlanScope): Step | null {
  const { self, input } = scope;
  const { spec } = input.manifest;
  const bytes = spec.hiddenSize * F32_BYTES;
  const ranked = byRank(scope);
  let steps: Step[] = [];
  for (let layer = 0; layer < spec.layerCount; layer++) {
    const next: Step[] = [];
    for (const { node, cost } of candidates(scope, layer, ranked)) {
      const start: Step = {
        node,
        previous: null,
        ms: cost + hopMs(self.view, node.view, bytes) + endCost(scope, node, 'embedding'),
        stageCount: 1,
      };
      let best = layer === 0 ? start : null;
      for (const previous of steps) {
        const moved = previous.node.peerId === node.peerId ? 0 : 1;
        const stageCount = previous.stageCount + moved;
        const total = previous.ms + cost + hopMs(previous.node.view, node.view, bytes);
        if (stageCount <= MAX_STAGES && (best === null || total < best.ms)) {
          best = { node, previous, ms: total, stageCount };
        }
      }
      if (best !== null) next.push(best);
    }
    steps = next;
  }
  const closed = steps.map((step) => ({
    step,
    ms: step.ms + hopMs(step.node.view, self.view, bytes) + endCost(scope, step.node, 'head'),
  }));
  closed.sort((a, b) => a.ms - b.ms);
  return closed[0]?.step ?? null;
}

/** What it costs that neither this node nor the stage has the embedding (or the head): a call to the nearest holder. */
function endCost({ self, nodes }: PlanScope, stage: PlanNode, part: 'embedding' | 'head'): number {
  if (self.holdings[part] || stage.holdings[part]) return 0;
  const costs = nodes.filter((node) => node.holdings[part]).map((node) => totalMs(roundTrip(self.view, node.view, 0)));
  return Math.min(...costs);
}

/** All nodes, those that would add least to a path first. */
function byRank({ self, nodes, input }: PlanScope): PlanNode[] {
  const { expertsPerToken } = input.manifest.spec;
  const ranked = nodes.map((node) => {
    const { stepMs } = nodeFigures(node.view, expertsPerToken);
    return { node, rank: hopMs(self.view, node.view, 0) + RELUCTANCE_MS * reluctance(node) + stepMs };
  });
  ranked.sort((a, b) => a.rank - b.rank || (a.node.peerId < b.node.peerId ? -1 : 1));
  return ranked.map(({ node }) => node);
}

function candidates(
  { self, nodes, input }: PlanScope,
  layer: number,
  ranked: readonly PlanNode[],
): { node: PlanNode; cost: number }[] {
  const { spec } = input.manifest;
  const hosts = ranked.filter((node) => node.holdings.trunk(layer));
  const complete = hosts.filter((node) => node.holdings.allExperts(layer));
  const least = Math.min(...hosts.map(reluctance));
  const pool = complete.some((node) => reluctance(node) === least) ? complete : hosts;
  const layerMs = (node: PlanNode): number => {
    if (node.holdings.allExperts(layer)) return nodeFigures(node.view, spec.expertsPerToken).stepMs;
    const setting = settingOfOrder(node, nearestFirst(node, nodes), layer, spec, input.predicted?.[layer]);
    return totalMs(decodeLayerCost(setting, spec));
  };
  return pool.slice(0, pool === complete ? CANDIDATES_PER_LAYER : SCATTERED_CANDIDATES).map((node) => {
    const own = node.peerId === self.peerId ? OWN_LAYER_FACTOR : 1;
    return { node, cost: layerMs(node) * own + RELUCTANCE_MS * reluctance(node) };
  });
}
