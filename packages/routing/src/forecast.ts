import type { PeerId, Timing } from '@blyan/interface';
import { MAX_STEP_ROWS } from '@blyan/params';
import type { RoutedSpec } from './block-map.ts';
import { add, type Cost, compute, NO_COST, scale, totalMs } from './cost.ts';
import { decodeLayerCost, type LayerSetting, plannedSetting, prefillLayerCost } from './layer-cost.ts';
import { hop, roundTrip } from './link.ts';
import { bytesPerMs, nodeFigures } from './node-figures.ts';
import type { NodeView } from './node-record.ts';
import { type Plan, stageOfLayer } from './plan.ts';

const F32_BYTES = 4;

/** Learned factors on everything but the network, which is measured (`ForecastHistory`). */
export interface Correction {
  readonly firstToken: number;
  readonly perToken: number;
}

export interface ForecastInput {
  readonly spec: RoutedSpec;
  readonly promptTokens: number;
  /** Expert choices seen in the prompt, [layer][expert]; an even gate is assumed without. */
  readonly predicted?: readonly (readonly number[])[];
  readonly correction?: Correction;
  /** Milliseconds before the plan starts, such as a pass that predicts experts. */
  readonly preparationMs?: number;
  /** Bytes the computing node fetches first. */
  readonly fetchBytes?: number;
}

export interface Forecast extends Timing {
  /** Before correction: what `ForecastHistory` compares with the measurement. */
  readonly breakdown: { readonly firstToken: Cost; readonly perToken: Cost };
}

/**
 * What a plan will take, from the nodes' own figures and the measured round trips: a pipeline pays half a round trip
 * per hop and for the direct return, a stage pays one per layer in which a token is likely to touch an expert it lacks,
 * a delegate pays one at the start and streams from then on. Nodes the views lack count as this one.
 */
export function forecast(plan: Plan, views: readonly NodeView[], input: ForecastInput): Forecast {
  const self = views.find((view) => view.self);
  if (self === undefined || plan.stages.length === 0) {
    return { msToFirstToken: 0, msPerToken: 0, breakdown: { firstToken: NO_COST, perToken: NO_COST } };
  }
  const byId = new Map(views.map((view) => [view.peerId, view]));
  const node = (peerId: PeerId) => byId.get(peerId) ?? self;
  const layers = plan.experts.map((holders, layer) => {
    const stage = stageOfLayer(plan, layer);
    const view = stage === undefined ? self : node(stage.peerId);
    return plannedSetting(view, holders, byId, input.spec, input.predicted?.[layer]);
  });
  const route = { plan, layers, node, spec: input.spec, self };
  const perToken = add(travelCost(route, 1), ...layers.map((layer) => decodeLayerCost(layer, input.spec)));
  const firstToken = add(
    prefillCost(route, input),
    { ...NO_COST, networkMs: (input.fetchBytes ?? 0) / bytesPerMs(self) },
    compute(input.preparationMs ?? 0),
  );
  return {
    msToFirstToken: corrected(firstToken, input.correction?.firstToken),
    msPerToken: corrected(perToken, input.correction?.perToken),
    breakdown: { firstToken, perToken },
  };
}

function corrected(cost: Cost, factor = 1): number {
  return cost.networkMs + factor * (totalMs(cost) - cost.networkMs);
}

interface Route {
  readonly plan: Plan;
  readonly layers: readonly LayerSetting[];
  readonly node: (peerId: PeerId) => NodeView;
  readonly spec: RoutedSpec;
  readonly self: NodeView;
}

/** Where the token loop runs: the only stage of a delegate, otherwise here. */
function loopNode({ plan, node, self }: Route): NodeView {
  const delegate = plan.type === 'static_delegate' ? plan.stages[0] : undefined;
  return delegate === undefined ? self : node(delegate.peerId);
}

/** Embedding, hops between stages, the direct return, and the head for one row; each hop carries `rows` rows. */
function travelCost(route: Route, rows: number): Cost {
  const { plan, node, spec } = route;
  const bytes = rows * spec.hiddenSize * F32_BYTES;
  const loop = loopNode(route);
  const stages = plan.stages.map((stage) => node(stage.peerId));
  const first = stages[0] ?? loop;
  const last = stages.at(-1) ?? loop;
  const embedding = node(plan.embedding);
  const head = node(plan.head);
  const parts: Cost[] = [hop(loop, first, bytes), hop(last, loop, spec.hiddenSize * F32_BYTES)];
  for (let i = 1; i < stages.length; i++) parts.push(hop(stages[i - 1] ?? loop, stages[i] ?? loop, bytes));
  const away = (view: NodeView, end: NodeView) => view.peerId !== loop.peerId && view.peerId !== end.peerId;
  if (away(embedding, first)) parts.push(roundTrip(loop, embedding, bytes));
  if (away(head, last)) parts.push(roundTrip(loop, head, spec.hiddenSize * F32_BYTES));
  parts.push(compute(nodeFigures(head, spec.expertsPerToken).headMs));
  return add(...parts);
}

/** Chunks follow each other through the stages: all stages for one chunk, the slowest stage for each further one. */
function prefillCost(route: Route, { promptTokens }: ForecastInput): Cost {
  const { plan, layers, spec, self } = route;
  const chunks = Math.max(1, Math.ceil(promptTokens / MAX_STEP_ROWS));
  const rows = Math.max(1, promptTokens) / chunks;
  let chunk = NO_COST;
  let slowest = NO_COST;
  for (const stage of plan.stages) {
    const span = layers.slice(stage.firstLayer, stage.lastLayer + 1);
    const cost = add(...span.map((layer) => prefillLayerCost(layer, spec, rows)));
    chunk = add(chunk, cost);
    if (totalMs(cost) > totalMs(slowest)) slowest = cost;
  }
  const start = roundTrip(self, loopNode(route), promptTokens * F32_BYTES);
  return add(start, travelCost(route, rows), chunk, scale(slowest, chunks - 1));
}
