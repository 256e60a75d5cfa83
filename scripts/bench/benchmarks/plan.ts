import { PLAN_TYPES } from '@blyan/interface';
import {
  buildPlan,
  choosePlan,
  evenDemand,
  isRefusal,
  type NodeView,
  planMoves,
  type RoutedModel,
} from '@blyan/routing';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { seeded, simulatedModel, simulatedViews } from '../network/simulated-views.ts';
import { median, rangeOf } from '../stats.ts';

const NODES = 100;
const MODELS = {
  '12x32': { layers: 12, experts: 32, chosen: 4 },
  '48x128': { layers: 48, experts: 128, chosen: 8 },
};
const WARM_UP = 5;
const GOAL_MS = 10;

export const plan: Benchmark = {
  name: 'plan',
  about: `Making a plan for a network of ${NODES} simulated nodes: each type, and auto, which makes and forecasts all of them, from records
that no plan was made from before. Models of 12 layers x 32 experts (the bench model's size) and 48 x 128; nodes that hold whole
layers, and nodes that hold a tenth of the experts of every layer. The first ${WARM_UP} plans of each kind do not count.`,
  async run(run) {
    for (const [name, shape] of Object.entries(MODELS)) {
      const model = simulatedModel(shape);
      for (const spread of ['layers', 'experts'] as const) {
        const views = simulatedViews(model, NODES, spread);
        measureMoves(`plan.${name}.${spread}.moves`, model, views, run);
        for (const type of [...PLAN_TYPES, 'auto'] as const)
          measure(`plan.${name}.${spread}.${type}`, type, model, views, run);
      }
    }
  },
};

/** What a node that places itself should host, which each works out every few minutes. */
function measureMoves(name: string, manifest: RoutedModel, views: readonly NodeView[], run: BenchRun): void {
  const demand = evenDemand(manifest.spec);
  const random = seeded(5);
  for (let slot = 0; slot < demand.touch.length; slot++) if (random() < 0.05) demand.touch[slot] = 1;
  const self = views[0]?.peerId ?? '';
  const times: number[] = [];
  for (let round = 0; round < (run.quick ? 10 : 20) + WARM_UP; round++) {
    run.signal.throwIfAborted();
    const started = performance.now();
    planMoves({ manifest, views: views.map(renewed), self, demand, capacityBytes: 1e9, maxMoveBytes: 3e8, round });
    if (round >= WARM_UP) times.push(performance.now() - started);
  }
  run.report(figure(name, median(times), 'ms', { range: rangeOf(times) }));
}

type Wanted = (typeof PLAN_TYPES)[number] | 'auto';

function measure(name: string, type: Wanted, manifest: RoutedModel, views: readonly NodeView[], run: BenchRun): void {
  const random = seeded(3);
  const { layerCount, expertCount } = manifest.spec;
  const predicted = Array.from({ length: layerCount }, () =>
    Array.from({ length: expertCount }, () => Math.floor(random() * 5)),
  );
  const self = views[0]?.peerId ?? '';
  const times: number[] = [];
  const rounds = run.quick ? 15 : 40;
  for (let round = 0; round < rounds + WARM_UP; round++) {
    run.signal.throwIfAborted();
    const fresh = views.map(renewed);
    const input = { manifest, views: fresh, self, profile: 'simulated', predicted };
    const started = performance.now();
    const outcome =
      type === 'auto'
        ? choosePlan({ ...input, promptTokens: 100, outputTokens: 100, nowMs: 0 })
        : buildPlan(type, input, { hostedOnly: false });
    const took = performance.now() - started;
    if (isRefusal(outcome as never)) throw new Error(`no plan of type ${type}`);
    if (round >= WARM_UP) times.push(took);
  }
  run.report(figure(name, median(times), 'ms', { goal: { below: GOAL_MS }, range: rangeOf(times) }));
}

/** The record as if it had just come: nothing worked out for the one before is remembered for it. */
function renewed(view: NodeView): NodeView {
  return { ...view, models: view.models.map(({ root, blocks }) => ({ root, blocks: blocks.slice() })) };
}
