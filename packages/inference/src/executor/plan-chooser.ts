import type { GenerateRequest, PeerId, RouteEntry, Timing } from '@blyan/interface';
import { blockLabel, type ModelManifest } from '@blyan/model';
import {
  buildPlan,
  choosePlan,
  type Forecast,
  ForecastHistory,
  forecast,
  isRefusal,
  type NodeView,
  type ObservedAnswer,
  type Plan,
  type PlanInput,
  type Refusal,
} from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import { modelView } from '../model-view.ts';
import { PlanRun } from './plan-run.ts';
import type { PlanRunDeps } from './run-deps.ts';

/** What a node knows of the network at one moment, and what it may do for a plan. */
export interface PlanningPort {
  views(): readonly NodeView[];
  /** Fetches blocks by index in the manifest and verifies them; they are not announced as hosted. */
  fetch(manifest: ModelManifest, blocks: readonly number[], signal: AbortSignal): Promise<void>;
  sign(plan: Plan): Plan;
  /** Peers to do without where that is possible. */
  avoided(): ReadonlySet<PeerId>;
  /** What nodes took for an answer, against what they say they take. */
  observe(answer: ObservedAnswer): void;
}

/** [layer][expert] rows of the prompt that choose the expert. */
export type PredictedExperts = readonly (readonly number[])[];

export interface Chosen {
  readonly plan: Plan;
  readonly forecast: Forecast;
  /** Of a delegate's plan: what it was chosen by. */
  readonly predicted?: PredictedExperts;
  /** What it was chosen from. */
  readonly views: readonly NodeView[];
}

/** How an answer went that nothing disturbed. */
export interface Outcome {
  readonly spec: ModelManifest['spec'];
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly draftedTokens: number;
  readonly route: readonly RouteEntry[];
  readonly measured: Timing;
}

/** Chooses plans by forecast, has done what they need first, and learns from how they went. */
export class PlanChooser {
  readonly #options: { readonly self: PeerId; readonly profile: string };
  readonly #deps: PlanRunDeps;
  readonly #port: PlanningPort;
  readonly #history = new ForecastHistory();

  constructor(options: { self: PeerId; profile: string }, deps: PlanRunDeps, port: PlanningPort) {
    this.#options = options;
    this.#deps = deps;
    this.#port = port;
  }

  /** Compares what a plan was forecast to take with what it took. */
  learn({ plan, forecast: { breakdown }, views }: Chosen, outcome: Outcome): void {
    this.#history.record(plan.type, plan.modelRoot, breakdown, outcome.measured);
    this.#port.observe({ ...outcome, plan, views, breakdown });
  }

  /** Whether anybody else than the plan's delegate could compute the answer. */
  hasOther(manifest: ModelManifest, plan: Plan): boolean {
    const lost = plan.stages.map(({ peerId }) => peerId);
    const views = this.#port.views().filter(({ peerId }) => !lost.includes(peerId));
    return !isRefusal(buildPlan(plan.type, { ...this.#input(manifest, new Set()), views }, { hostedOnly: true }));
  }

  /**
   * The plan, signed, with everything it needs fetched.
   *
   * @param without peers that failed this answer
   * @param known what an earlier choice for this answer predicted
   * @throws InferenceError ERR_INFERENCE_MISSING_BLOCKS; what opening a stage throws
   */
  async choose(
    manifest: ModelManifest,
    request: GenerateRequest,
    without: ReadonlySet<PeerId>,
    signal: AbortSignal,
    known?: PredictedExperts,
  ): Promise<Chosen> {
    const base = this.#input(manifest, without);
    const { views } = base;
    const rows = request.promptTokens.length + (request.committedTokens?.length ?? 0);
    const lengths = { promptTokens: rows, outputTokens: request.maxTokens };
    if (request.plan === 'auto') {
      const best = choosePlan({
        ...base,
        ...lengths,
        nowMs: Date.now(),
        correction: (type) => this.#history.correction(type, manifest.root),
      });
      if ('refused' in best) throw refused(best, manifest);
      // The delegate was ranked without having seen the prompt's experts.
      if (best.type !== 'static_delegate') return { plan: this.#port.sign(best.plan), forecast: best.forecast, views };
    }
    const type = request.plan === 'auto' ? 'static_delegate' : request.plan;
    const started = performance.now();
    const isDelegated = type === 'static_delegate';
    const predicted = isDelegated ? (known ?? (await this.#predict(base, manifest, request, signal))) : undefined;
    const outcome = buildPlan(type, { ...base, predicted }, { hostedOnly: request.plan === 'auto' });
    if (isRefusal(outcome)) throw refused(outcome, manifest);
    const here = outcome.plan.stages[0]?.peerId === this.#options.self;
    if (outcome.fetch.length > 0 && here) await this.#port.fetch(manifest, outcome.fetch, signal);
    const result = forecast(outcome.plan, views, {
      spec: manifest.spec,
      promptTokens: rows,
      predicted,
      correction: this.#history.correction(type, manifest.root),
      preparationMs: predicted ? performance.now() - started : 0,
    });
    return { plan: this.#port.sign(outcome.plan), forecast: result, predicted, views };
  }

  #input(manifest: ModelManifest, without: ReadonlySet<PeerId>): PlanInput {
    const { self, profile } = this.#options;
    const avoid = new Set([...this.#port.avoided(), ...without]);
    return { manifest, views: this.#port.views(), self, profile, avoid };
  }

  /** One pass over the prompt under any plan that is possible, for the experts it chooses. */
  async #predict(
    base: PlanInput,
    manifest: ModelManifest,
    request: GenerateRequest,
    signal: AbortSignal,
  ): Promise<PredictedExperts> {
    const promptTokens = request.promptTokens.length;
    const types = ['dynamic', 'pipeline'] as const;
    const outcomes = types.map((type) => buildPlan(type, base));
    const possible = outcomes.flatMap((outcome) => (isRefusal(outcome) ? [] : [outcome.plan]));
    const delay = (plan: Plan) => forecast(plan, base.views, { spec: manifest.spec, promptTokens }).msToFirstToken;
    const [best] = possible.sort((a, b) => delay(a) - delay(b));
    if (!best) throw refused(outcomes.find(isRefusal) as Refusal, manifest);
    const plan = this.#port.sign(best);
    const pass: GenerateRequest = {
      // The pass is a request of its own: the delegate uses the id of the answer.
      requestId: [...request.requestId].reverse().join(''),
      modelRoot: manifest.root,
      promptTokens: request.promptTokens,
      maxTokens: 1,
      sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
      ignoreEos: true,
      plan: plan.type,
      speculation: 'off',
    };
    const { self } = this.#options;
    const run = new PlanRun({ self, plan, model: modelView(manifest), request: pass, signal }, this.#deps);
    let usage: Awaited<ReturnType<PlanRun['close']>> | null = null;
    try {
      await run.open();
      await run.tokens().next();
    } finally {
      usage = await run.close();
    }
    return usage.expertRows;
  }
}

/** Most missing parts whose roots a refusal spells out. */
const NAMED_ROOTS = 4;

/** The refusal as an error that also says which blocks to look for. */
function refused({ refused: sentence, missing }: Refusal, { blocks }: ModelManifest): InferenceError {
  const roots = missing
    .slice(0, NAMED_ROOTS)
    .flatMap((label) =>
      blocks
        .filter((block) => blockLabel({ ...block, slice: undefined }) === label)
        .map(({ root }) => `${label} is ${root}`),
    );
  const message = roots.length === 0 ? sentence : `${sentence} As blocks: ${roots.join(', ')}.`;
  return new InferenceError('ERR_INFERENCE_MISSING_BLOCKS', message, { kind: 'caller', meta: { missing } });
}
