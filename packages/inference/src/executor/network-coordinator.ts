import {
  ANSWER_COMPLETE,
  type Coordinator,
  type GenerateEvent,
  type GenerateRequest,
  type Logger,
  type NetworkState,
  type NodeFaults,
  type PeerId,
  type RouteEntry,
  type ServedModel,
  type Timing,
} from '@blyan/interface';
import { blockLabel, type ModelManifest } from '@blyan/model';
import {
  buildPlan,
  choosePlan,
  coverage,
  describeMissing,
  type Forecast,
  ForecastHistory,
  forecast,
  formatHostedBlocks,
  isRefusal,
  type NodeView,
  type Plan,
  type PlanInput,
  type Refusal,
} from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import type { SampledToken } from '../messages.ts';
import { modelView } from '../model-view.ts';
import type { Delegate } from './delegate.ts';
import { generateTokens } from './generate-tokens.ts';
import { PlanRun, type PlanRunDeps } from './run-plan.ts';

/** What the coordinator knows of the network at one moment. */
export interface NetworkPort {
  views(): readonly NodeView[];
  models(): readonly { readonly manifest: ModelManifest; readonly learnedAt: number }[];
  /** Fetches blocks by index in the manifest and verifies them; they are not announced as hosted. */
  fetch(manifest: ModelManifest, blocks: readonly number[], signal: AbortSignal): Promise<void>;
  sign(plan: Plan): Plan;
  /** Peers to do without where that is possible. */
  avoided(): ReadonlySet<PeerId>;
  /** What this node holds against a peer. */
  faults(peerId: PeerId): NodeFaults;
  /** Every peer that something is held against, the latest last. */
  faultyPeers(): readonly PeerId[];
}

export interface CoordinatorOptions {
  readonly self: PeerId;
  readonly networkId: string;
  readonly version: string;
  readonly profile: string;
}

export interface CoordinatorDeps extends PlanRunDeps {
  readonly network: PlanRunDeps['network'];
  readonly delegate: Delegate;
  readonly port: NetworkPort;
  readonly logger: Logger;
}

interface Chosen {
  readonly plan: Plan;
  readonly forecast: Forecast;
  readonly fetch: readonly number[];
}

/** Answers requests over the network: chooses a plan, runs it here or has it run by a delegate, and learns from it. */
export class NetworkCoordinator implements Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #deps: CoordinatorDeps;
  readonly #history = new ForecastHistory();

  constructor(options: CoordinatorOptions, deps: CoordinatorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  models(): readonly ServedModel[] {
    return this.#deps.port.models().map(({ manifest, learnedAt }) => ({
      name: manifest.name,
      root: manifest.root,
      contextLength: manifest.spec.contextLength,
      vocabSize: manifest.spec.vocabSize,
      created: learnedAt,
      tokenizerJson: manifest.files.tokenizerJson ?? '',
      tokenizerConfigJson: manifest.files.tokenizerConfigJson ?? '{}',
    }));
  }

  /**
   * @throws InferenceError ERR_INFERENCE_MODEL_UNKNOWN, ERR_INFERENCE_CONTEXT, ERR_INFERENCE_RANGE,
   * ERR_INFERENCE_MISSING_BLOCKS, ERR_INFERENCE_BUSY; what a stage reports
   */
  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
    const manifest = this.#manifest(request);
    const chosen = await this.#choose(manifest, request, signal);
    const { profile, type } = chosen.plan;
    const { msToFirstToken, msPerToken } = chosen.forecast;
    const clock = new AnswerClock();
    const tokens =
      type === 'static_delegate' && chosen.plan.stages[0]?.peerId !== this.#options.self
        ? this.#delegated(chosen.plan, request, signal)
        : this.#here(manifest, chosen.plan, request, signal);
    const committed = request.committedTokens?.length ?? 0;
    let index = committed;
    let end: { finishReason: 'stop' | 'length'; route: readonly RouteEntry[] } | null = null;
    try {
      for (let next = await tokens.next(); ; next = await tokens.next()) {
        if (index === committed)
          yield { type: 'plan', plan: type, profile, forecast: rounded({ msToFirstToken, msPerToken }) };
        if (next.done) {
          end = next.value;
          break;
        }
        clock.token();
        yield { type: 'token', index: index++, ...next.value };
      }
    } finally {
      await tokens.return({ finishReason: 'length', route: [] });
    }
    const measured = clock.timing();
    if (index - committed > 1) this.#history.record(type, manifest.root, chosen.forecast.breakdown, measured);
    yield {
      type: 'done',
      ...end,
      measured: rounded(measured),
      failovers: [],
      speculation: { drafted: 0, accepted: 0 },
    };
  }

  state(): NetworkState {
    const { port } = this.#deps;
    const views = port.views();
    const models = port.models().map(({ manifest }) => manifest);
    const [first] = models;
    return {
      networkId: this.#options.networkId,
      peerId: this.#options.self,
      version: this.#options.version,
      models: models.map((manifest) => {
        const { covered, missing } = coverage(manifest, views);
        return { name: manifest.name, root: manifest.root, covered, blocks: manifest.blocks.length, missing };
      }),
      nodes: views.map((view) => {
        const model = models.find(({ root }) => view.models.some((hosted) => hosted.root === root)) ?? first;
        const bitmap = view.models.find(({ root }) => root === model?.root)?.blocks;
        return {
          peerId: view.peerId,
          self: view.self,
          host: view.host,
          tier: view.tier,
          profile: view.profile,
          rttMs: view.rttMs,
          addresses: view.addresses,
          hosted:
            model && bitmap
              ? formatHostedBlocks(bitmap, model)
              : { layers: [], experts: [], embedding: false, head: false, blocks: 0 },
          active: view.active,
          expiresInMs: Math.max(0, view.issuedAtMs + view.ttlMs - Date.now()),
          faults: port.faults(view.peerId),
        };
      }),
      outcasts: outcasts(port, views),
    };
  }

  notReady(): string | null {
    const models = this.#deps.port.models();
    if (models.length === 0) return 'No model is known yet.';
    const views = this.#deps.port.views();
    for (const { manifest } of models) {
      const { missing } = coverage(manifest, views);
      if (missing.length > 0)
        return `The model ${manifest.name} is not covered: no reachable node hosts ${describeMissing(missing)}.`;
    }
    return null;
  }

  #manifest(request: GenerateRequest): ModelManifest {
    const known = this.#deps.port.models().find(({ manifest }) => manifest.root === request.modelRoot);
    if (!known) {
      throw new InferenceError('ERR_INFERENCE_MODEL_UNKNOWN', `This network serves no model ${request.modelRoot}.`, {
        kind: 'caller',
      });
    }
    const { manifest } = known;
    const { contextLength, vocabSize } = manifest.spec;
    const { promptTokens, committedTokens = [] } = request;
    if (promptTokens.length === 0)
      throw new InferenceError('ERR_INFERENCE_RANGE', 'The prompt is empty; it needs at least one token.', {
        kind: 'caller',
      });
    if (promptTokens.length >= contextLength) {
      throw new InferenceError(
        'ERR_INFERENCE_CONTEXT',
        `The prompt has ${promptTokens.length} tokens; the model's context is ${contextLength} with the answer. Shorten it.`,
        { kind: 'caller', meta: { promptTokens: promptTokens.length, contextLength } },
      );
    }
    if (committedTokens.length >= Math.min(request.maxTokens, contextLength - promptTokens.length))
      throw new InferenceError('ERR_INFERENCE_RANGE', 'As many tokens are committed as the answer may have.', {
        kind: 'caller',
      });
    const bad = [...promptTokens, ...committedTokens].find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
    if (bad !== undefined)
      throw new InferenceError(
        'ERR_INFERENCE_RANGE',
        `The token id ${bad} is outside the vocabulary of ${vocabSize}.`,
        { kind: 'caller' },
      );
    return manifest;
  }

  /** The plan, signed, with everything it needs fetched. */
  async #choose(manifest: ModelManifest, request: GenerateRequest, signal: AbortSignal): Promise<Chosen> {
    const views = this.#deps.port.views();
    const { self, profile } = this.#options;
    const base: PlanInput = { manifest, views, self, profile, avoid: this.#deps.port.avoided() };
    const lengths = { promptTokens: request.promptTokens.length, outputTokens: request.maxTokens };
    if (request.plan === 'auto') {
      const best = choosePlan({
        ...base,
        ...lengths,
        nowMs: Date.now(),
        correction: (type) => this.#history.correction(type, manifest.root),
      });
      if ('refused' in best) throw refused(best, manifest);
      const chosen = { plan: this.#deps.port.sign(best.plan), forecast: best.forecast, fetch: [] };
      // The delegate was ranked without having seen the prompt's experts.
      if (best.type !== 'static_delegate') return chosen;
    }
    const type = request.plan === 'auto' ? 'static_delegate' : request.plan;
    const started = performance.now();
    const predicted = type === 'static_delegate' ? await this.#predict(base, manifest, request, signal) : undefined;
    const outcome = buildPlan(type, { ...base, predicted }, { hostedOnly: request.plan === 'auto' });
    if (isRefusal(outcome)) throw refused(outcome, manifest);
    const here = outcome.plan.stages[0]?.peerId === this.#options.self;
    if (outcome.fetch.length > 0 && here) await this.#deps.port.fetch(manifest, outcome.fetch, signal);
    const result = forecast(outcome.plan, views, {
      spec: manifest.spec,
      promptTokens: request.promptTokens.length,
      predicted,
      correction: this.#history.correction(type, manifest.root),
      preparationMs: predicted ? performance.now() - started : 0,
    });
    return { plan: this.#deps.port.sign(outcome.plan), forecast: result, fetch: outcome.fetch };
  }

  /** One pass over the prompt under any plan that is possible, for the experts it chooses. */
  async #predict(
    base: PlanInput,
    manifest: ModelManifest,
    request: GenerateRequest,
    signal: AbortSignal,
  ): Promise<readonly (readonly number[])[]> {
    const promptTokens = request.promptTokens.length;
    const types = ['dynamic', 'pipeline'] as const;
    const outcomes = types.map((type) => buildPlan(type, base));
    const possible = outcomes.flatMap((outcome) => (isRefusal(outcome) ? [] : [outcome.plan]));
    const delay = (plan: Plan) => forecast(plan, base.views, { spec: manifest.spec, promptTokens }).msToFirstToken;
    const [best] = possible.sort((a, b) => delay(a) - delay(b));
    if (!best) throw refused(outcomes.find(isRefusal) as Refusal, manifest);
    const plan = this.#deps.port.sign(best);
    const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
    // The pass is a request of its own: the delegate uses the id of the answer.
    const requestId = [...request.requestId].reverse().join('');
    const pass: GenerateRequest = {
      requestId,
      modelRoot: manifest.root,
      promptTokens: request.promptTokens,
      maxTokens: 1,
      sampling,
      ignoreEos: true,
      plan: plan.type,
    };
    const run = new PlanRun(
      { self: this.#options.self, plan, model: modelView(manifest), request: pass, signal },
      this.#deps,
    );
    await run.open();
    let usage: Awaited<ReturnType<PlanRun['close']>> | null = null;
    try {
      await run.prefill();
    } finally {
      usage = await run.close();
    }
    return usage.expertRows;
  }

  async *#here(
    manifest: ModelManifest,
    plan: Plan,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<SampledToken, { finishReason: 'stop' | 'length'; route: readonly RouteEntry[] }> {
    const model = modelView(manifest);
    const run = new PlanRun({ self: this.#options.self, plan, model, request, signal }, this.#deps);
    await run.open();
    let route: readonly RouteEntry[] = [];
    let finishReason: 'stop' | 'length' = 'stop';
    try {
      finishReason = yield* generateTokens(run, model, request);
    } catch (error) {
      if (signal.reason !== ANSWER_COMPLETE) throw error;
    } finally {
      ({ route } = await run.close());
    }
    return { finishReason, route };
  }

  async *#delegated(
    plan: Plan,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<SampledToken, { finishReason: 'stop' | 'length'; route: readonly RouteEntry[] }> {
    for await (const event of this.#deps.delegate.ask(plan, request, signal)) {
      if (event.type === 'token') {
        yield event.token;
        // Ending the iteration cancels the delegate; what it did is not heard then.
        if (signal.reason === ANSWER_COMPLETE) return { finishReason: 'stop', route: [] };
      } else if (event.type === 'end') return { finishReason: event.finishReason, route: event.route };
    }
    throw new InferenceError('ERR_INFERENCE_STAGE', 'The delegate ended the answer without saying why; ask again.', {
      kind: 'peer',
    });
  }
}

/** Time to the first token and per further token, as the coordinator sees them. */
class AnswerClock {
  readonly #startedAt = performance.now();
  #firstAt = 0;
  #lastAt = 0;
  #tokens = 0;

  token(): void {
    this.#lastAt = performance.now();
    if (this.#tokens++ === 0) this.#firstAt = this.#lastAt;
  }

  timing(): Timing {
    if (this.#tokens === 0) return { msToFirstToken: performance.now() - this.#startedAt, msPerToken: 0 };
    return {
      msToFirstToken: this.#firstAt - this.#startedAt,
      msPerToken: this.#tokens > 1 ? (this.#lastAt - this.#firstAt) / (this.#tokens - 1) : 0,
    };
  }
}

function rounded({ msToFirstToken, msPerToken }: Timing): Timing {
  const three = (value: number) => Math.round(value * 1000) / 1000;
  return { msToFirstToken: three(msToFirstToken), msPerToken: three(msPerToken) };
}

/** Most peers without a record that the state names. */
const NAMED_OUTCASTS = 64;

function outcasts(port: NetworkPort, views: readonly NodeView[]): NetworkState['outcasts'] {
  const known = new Set(views.map(({ peerId }) => peerId));
  const others = port.faultyPeers().filter((peerId) => !known.has(peerId));
  return others.slice(-NAMED_OUTCASTS).map((peerId) => ({ peerId, faults: port.faults(peerId) }));
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
