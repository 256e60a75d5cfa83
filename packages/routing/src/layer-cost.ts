import type { PeerId } from '@blyan/interface';
import type { RoutedSpec } from './block-map.ts';
import { add, type Cost, compute, NO_COST, scale, totalMs } from './cost.ts';
import { roundTrip } from './link.ts';
import { nodeFigures } from './node-figures.ts';
import type { NodeView } from './node-record.ts';
import { preferredHolder } from './plan.ts';
import { type ExpertGroup, type Gate, probabilityUntouched, slowestTouched } from './touch.ts';

const F32_BYTES = 4;

/** Who computes a layer, who answers for its experts, and how often each is chosen (when that was observed). */
export interface LayerSetting {
  readonly stage: NodeView;
  /** [expert] -> holders in the order they are tried. */
  readonly holders: readonly (readonly PeerId[])[];
  readonly counts?: readonly number[];
}

interface HolderGroup extends ExpertGroup {
  readonly view: NodeView;
}

/** One decode row through a layer: the trunk, then all chosen experts at once, here and at the other holders. */
export function decodeLayerCost(setting: LayerSetting, views: ReadonlyMap<PeerId, NodeView>, spec: RoutedSpec): Cost {
  const own = nodeFigures(setting.stage, spec.expertsPerToken);
  const gate = gateOf(setting, spec);
  const remote = remoteGroups(setting, views);
  if (remote.length === 0) return compute(own.stepMs);
  const localShare = 1 - remote.reduce((sum, group) => sum + group.share, 0);
  const localMs = Math.max(0, localShare) * spec.expertsPerToken * own.expertMs;
  const calls = remote
    .map((group) => ({ group, touched: 1 - probabilityUntouched(gate, group) }))
    .filter(({ touched }) => touched > 0)
    .map(({ group, touched }) => ({ group, touched, cost: callCost(setting.stage, group, touched, spec) }))
    .sort((a, b) => totalMs(b.cost) - totalMs(a.cost));
  const slowest = slowestTouched(
    gate,
    calls.map(({ group }) => group),
  );
  const parts = calls.map(({ cost }, i) => scale(totalMs(cost) > localMs ? cost : compute(localMs), slowest[i] ?? 0));
  const untouched = 1 - slowest.reduce((sum, p) => sum + p, 0);
  const alone = compute(untouched * spec.expertsPerToken * own.expertMs);
  // The calls go out one after the other: each but the last one costs the caller its share of handling.
  const distinct = calls.reduce((sum, { touched }) => sum + touched, 0);
  const sending = { ...NO_COST, softwareMs: (Math.max(0, distinct - 1) * own.messageMs) / 2 };
  return add(compute(own.trunkMs), ...parts, alone, sending);
}

/** A call to a holder that one token touches: the round trip, and its share of the chosen experts one by one. */
function callCost(stage: NodeView, group: HolderGroup, touched: number, spec: RoutedSpec): Cost {
  const experts = (spec.expertsPerToken * group.share) / touched;
  const bytes = (1 + experts) * spec.hiddenSize * F32_BYTES;
  const holder = nodeFigures(group.view, spec.expertsPerToken);
  return add(roundTrip(stage, group.view, bytes), compute(experts * holder.expertMs));
}

/** A prefill chunk through a layer: one call to each other holder, which so many rows are sure to touch. */
export function prefillLayerCost(
  setting: LayerSetting,
  views: ReadonlyMap<PeerId, NodeView>,
  spec: RoutedSpec,
  rows: number,
): Cost {
  const own = nodeFigures(setting.stage, spec.expertsPerToken);
  const remote = remoteGroups(setting, views).filter((group) => group.share > 0);
  const gate = gateOf(setting, spec);
  const localShare = 1 - remote.reduce((sum, group) => sum + group.share, 0);
  let slowest = compute(rows * Math.max(0, localShare) * own.prefillExpertsMs);
  for (const group of remote) {
    const sent = 1 - probabilityUntouched(gate, group);
    const bytes = rows * (sent + spec.expertsPerToken * group.share) * spec.hiddenSize * F32_BYTES;
    const holder = nodeFigures(group.view, spec.expertsPerToken);
    const cost = add(
      roundTrip(setting.stage, group.view, bytes),
      compute(rows * group.share * holder.prefillExpertsMs),
    );
    if (totalMs(cost) > totalMs(slowest)) slowest = cost;
  }
  return add(compute(rows * own.prefillTrunkMs), slowest);
}

function gateOf({ counts }: LayerSetting, spec: RoutedSpec): Gate {
  const observed = counts?.some((count) => count > 0) ?? false;
  return { total: spec.expertCount, chosen: spec.expertsPerToken, observed };
}

/** The experts of a layer that its stage does not hold, grouped by the node it asks for them. */
function remoteGroups({ stage, holders, counts }: LayerSetting, views: ReadonlyMap<PeerId, NodeView>): HolderGroup[] {
  const total = counts?.reduce((sum, count) => sum + count, 0) ?? 0;
  const groups = new Map<PeerId, { count: number; share: number }>();
  holders.forEach((candidates, expert) => {
    const holder = preferredHolder(candidates, stage.peerId);
    if (holder === undefined || holder === stage.peerId) return;
    const group = groups.get(holder) ?? { count: 0, share: 0 };
    group.count += 1;
    group.share += total > 0 ? (counts?.[expert] ?? 0) / total : 1 / holders.length;
    groups.set(holder, group);
  });
  return [...groups].flatMap(([peerId, group]) => {
    const view = views.get(peerId);
    return view === undefined ? [] : [{ view, ...group }];
  });
}
