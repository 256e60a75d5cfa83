import type { PeerId } from '@blyan/interface';
import { bitCount, weightOf } from './bitmap.ts';
import type { RoutedSpec } from './block-map.ts';
import { add, type Cost, compute, totalMs } from './cost.ts';
import { roundTrip } from './link.ts';
import { messageMs, nodeFigures } from './node-figures.ts';
import type { NodeView } from './node-record.ts';
import { preferredHolder } from './plan.ts';
import type { PlanNode } from './plan-scope.ts';
import { remember } from './remember.ts';
import { type ExpertGroup, type Gate, probabilityUntouched, slowestTouched } from './touch.ts';

const F32_BYTES = 4;

/** The experts of a layer that one other node answers for. */
interface HolderGroup extends ExpertGroup {
  readonly view: NodeView;
}

/** Who computes a layer, and whom it asks for the experts it lacks. */
export interface LayerSetting {
  readonly stage: NodeView;
  readonly gate: Gate;
  readonly remote: readonly HolderGroup[];
}

/**
 * The setting of a layer in a plan.
 * @param holders [expert] -> holders in the order they are tried
 * @param counts [expert] -> how often each was chosen, when that was observed
 */
export function plannedSetting(
  stage: NodeView,
  holders: readonly (readonly PeerId[])[],
  views: ReadonlyMap<PeerId, NodeView>,
  spec: RoutedSpec,
  counts?: readonly number[],
): LayerSetting {
  const total = totalOf(counts);
  const groups = new Map<PeerId, { count: number; share: number }>();
  holders.forEach((candidates, expert) => {
    if (candidates[0] === stage.peerId) return;
    const holder = preferredHolder(candidates, stage.peerId);
    if (holder === undefined || holder === stage.peerId) return;
    const group = remember(groups, holder, () => ({ count: 0, share: 0 }));
    group.count += 1;
    group.share += total > 0 ? (counts?.[expert] ?? 0) / total : 1 / holders.length;
  });
  const remote: HolderGroup[] = [];
  for (const [peerId, group] of groups) {
    const view = views.get(peerId);
    if (view !== undefined) remote.push({ view, ...group });
  }
  return { stage, gate: gateOf(spec, total), remote };
}

/** The setting that a plan with this stage would have: each expert at the first node of `order` that holds it. */
export function settingOfOrder(
  { view: stage, holdings, peerId }: PlanNode,
  order: readonly PlanNode[],
  layer: number,
  spec: RoutedSpec,
  counts?: readonly number[],
): LayerSetting {
  const total = totalOf(counts);
  const lacking = holdings.mask(layer).map((word) => ~word);
  const rest = spec.expertCount & 31;
  if (rest > 0) lacking[lacking.length - 1] = (lacking[lacking.length - 1] ?? 0) & ((1 << rest) - 1);
  let left = spec.expertCount - holdings.expertCount(layer);
  const remote: HolderGroup[] = [];
  for (const node of order) {
    if (left === 0) break;
    if (node.peerId === peerId) continue;
    const mask = node.holdings.mask(layer);
    let count = 0;
    let weight = 0;
    for (let word = 0; word < lacking.length; word++) {
      const found = (lacking[word] ?? 0) & (mask[word] ?? 0);
      if (found === 0) continue;
      lacking[word] = (lacking[word] ?? 0) ^ found;
      count += bitCount(found);
      if (total > 0) weight += weightOf([found], counts ?? [], word * 32);
    }
    if (count === 0) continue;
    left -= count;
    remote.push({ view: node.view, count, share: total > 0 ? weight / total : count / spec.expertCount });
  }
  return { stage, gate: gateOf(spec, total), remote };
}

/** One decode row through a layer: the trunk, then all chosen experts at once, here and at the other holders. */
export function decodeLayerCost({ stage, gate, remote }: LayerSetting, spec: RoutedSpec): Cost {
  const own = nodeFigures(stage, spec.expertsPerToken);
  if (remote.length === 0) return compute(own.stepMs);
  let localShare = 1;
  let distinct = 0;
  const calls: { group: HolderGroup; cost: Cost; ms: number }[] = [];
  for (const group of remote) {
    localShare -= group.share;
    const touched = 1 - probabilityUntouched(gate, group);
    if (touched <= 0) continue;
    distinct += touched;
    const cost = callCost(stage, group, touched, spec);
    calls.push({ group, cost, ms: totalMs(cost) });
  }
  const localMs = Math.max(0, localShare) * spec.expertsPerToken * own.expertMs;
  calls.sort((a, b) => b.ms - a.ms);
  const slowest = slowestTouched(
    gate,
    calls.map(({ group }) => group),
  );
  let computeMs = own.trunkMs;
  let networkMs = 0;
  // The calls go out one after the other: each but the last one costs the caller its share of handling.
  let softwareMs = (Math.max(0, distinct - 1) * messageMs(stage)) / 2;
  let untouched = 1;
  for (let i = 0; i < calls.length; i++) {
    const { cost, ms } = calls[i] as (typeof calls)[number];
    const probability = slowest[i] ?? 0;
    untouched -= probability;
    if (ms > localMs) {
      computeMs += cost.computeMs * probability;
      networkMs += cost.networkMs * probability;
      softwareMs += cost.softwareMs * probability;
    } else computeMs += localMs * probability;
  }
  computeMs += untouched * spec.expertsPerToken * own.expertMs;
  return { computeMs, networkMs, softwareMs };
}

/** A call to a holder that one token touches: the round trip, and its share of the chosen experts one by one. */
function callCost(stage: NodeView, group: HolderGroup, touched: number, spec: RoutedSpec): Cost {
  const experts = (spec.expertsPerToken * group.share) / touched;
  const bytes = (1 + experts) * spec.hiddenSize * F32_BYTES;
  const holder = nodeFigures(group.view, spec.expertsPerToken);
  const trip = roundTrip(stage, group.view, bytes);
  return { ...trip, computeMs: trip.computeMs + experts * holder.expertMs };
}

/** A prefill chunk through a layer: one call to each other holder, which so many rows are sure to touch. */
export function prefillLayerCost({ stage, gate, remote }: LayerSetting, spec: RoutedSpec, rows: number): Cost {
  const own = nodeFigures(stage, spec.expertsPerToken);
  const localShare = 1 - remote.reduce((sum, group) => sum + group.share, 0);
  let slowest = compute(rows * Math.max(0, localShare) * own.prefillExpertsMs);
  for (const group of remote) {
    if (group.share <= 0) continue;
    const sent = 1 - probabilityUntouched(gate, group);
    const bytes = rows * (sent + spec.expertsPerToken * group.share) * spec.hiddenSize * F32_BYTES;
    const holder = nodeFigures(group.view, spec.expertsPerToken);
    const cost = add(roundTrip(stage, group.view, bytes), compute(rows * group.share * holder.prefillExpertsMs));
    if (totalMs(cost) > totalMs(slowest)) slowest = cost;
  }
  return add(compute(rows * own.prefillTrunkMs), slowest);
}

const gateOf = (spec: RoutedSpec, total: number): Gate => ({
  total: spec.expertCount,
  chosen: spec.expertsPerToken,
  observed: total > 0,
});

function totalOf(counts: readonly number[] | undefined): number {
  let total = 0;
  for (const count of counts ?? []) total += count;
  return total;
}
