import { PLAN_TYPES } from '@blyan/interface';
import { buildPlan, choosePlan, evenDemand, type NodeView, planMoves, type RoutedModel } from '@blyan/routing';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { type Figure, figure, type Goal } from '../figure.ts';
import { seeded, simulatedModel, simulatedViews } from '../network/simulated-views.ts';
import { median } from '../stats.ts';

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
layers, and nodes that hold a tenth of the experts of every layer. The first ${WARM_UP} plans of each kind do not count.
Time is the processor's, of the thread that plans: others on the machine do not count. \`moves\`: what a node that places itself works out every
two minutes.`,
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

/** What a node that places itself should host, which each works out every two minutes. */
function measureMoves(name: string, manifest: RoutedModel, views: readonly NodeView[], run: BenchRun): void {
  const demand = evenDemand(manifest.spec);
  const random = seeded(5);
  for (let slot = 0; slot < demand.touch.length; slot++) if (random() < 0.05) demand.touch[slot] = 1;
  const self = views[0]?.peerId ?? '';
  const sizes = { capacityBytes: 1e9, maxMoveBytes: 3e8 };
  const make = (round: number) => ({ manifest, views: views.map(renewed), self, demand, ...sizes, round });
  run.report(took(name, timed(run.quick ? 10 : 20, make, planMoves)));
}

type Wanted = (typeof PLAN_TYPES)[number] | 'auto';

function measure(name: string, type: Wanted, manifest: RoutedModel, views: readonly NodeView[], run: BenchRun): void {
  run.signal.throwIfAborted();
  const random = seeded(3);
  const { layerCount, expertCount } = manifest.spec;
  const predicted = Array.from({ length: layerCount }, () =>
    Array.from({ length: expertCount }, () => Math.floor(random() * 5)),
  );
  const self = views[0]?.peerId ?? '';
  const answer = { promptTokens: 100, outputTokens: 100, nowMs: 0 };
  const make = () => ({ manifest, views: views.map(renewed), self, profile: 'simulated', predicted, ...answer });
  const result = timed(run.quick ? 15 : 40, make, (input) => {
    const outcome: object = type === 'auto' ? choosePlan(input) : buildPlan(type, input);
    if ('refused' in outcome) throw new Error(`no plan of type ${type}`);
  });
  run.report(took(name, result, { below: GOAL_MS }));
}

interface Took {
  /** Mean time of the processor, of this thread: ticks are too coarse for one round. */
  readonly threadMs: number;
  readonly wallMs: readonly number[];
}

/** Runs the rounds, each on an input of its own made beforehand; the first few do not count. */
function timed<T>(rounds: number, make: (round: number) => T, work: (input: T) => void): Took {
  for (let round = 0; round < WARM_UP; round++) work(make(round));
  const inputs = Array.from({ length: rounds }, (_, round) => make(WARM_UP + round));
  const wallMs: number[] = [];
  const before = process.threadCpuUsage();
  for (const input of inputs) {
    const started = performance.now();
    work(input);
    wallMs.push(performance.now() - started);
  }
  const { user, system } = process.threadCpuUsage(before);
  return { threadMs: (user + system) / 1000 / rounds, wallMs };
}

function took(name: string, { threadMs, wallMs }: Took, goal?: Goal): Figure {
  const note = `by the clock ${Math.min(...wallMs).toFixed(2)} ms at best, median ${median(wallMs).toFixed(2)} ms`;
  return figure(name, threadMs, 'ms', { ...(goal && { goal }), note });
}

/** The record as if it had just come: nothing worked out for the one before is remembered for it. */
function renewed(view: NodeView): NodeView {
  return { ...view, models: view.models.map(({ root, blocks }) => ({ root, blocks: blocks.slice() })) };
}
