import {
  ANSWER_COMPLETE,
  type Coordinator,
  errorCode,
  type Failover,
  type GenerateEvent,
  type GenerateRequest,
  type Logger,
  type NetworkState,
  type PeerId,
  type Root,
  type ServedModel,
} from '@blyan/interface';
import type { ModelManifest } from '@blyan/model';
import { type PeerHealth, type PlanStage, participants } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import type { SampledToken } from '../messages.ts';
import { modelView } from '../model-view.ts';
import { AnswerClock, rounded } from './answer-clock.ts';
import { AnswerGrammar } from './answer-grammar.ts';
import { RETURN_POLL_MS, RETURN_WAIT_MS } from './deadlines.ts';
import { type Delegate, DelegateLostError, type RunEnd } from './delegate.ts';
import { type NetworkPort, networkState, notReady } from './network-state.ts';
import { type Chosen, PlanChooser, type PlanningPort, type PredictedExperts } from './plan-chooser.ts';
import { PlanRun, type RunReport } from './plan-run.ts';
import type { PlanRunDeps } from './run-deps.ts';
import { mergeRoute } from './tally.ts';

export interface CoordinatorOptions {
  readonly self: PeerId;
  readonly networkId: string;
  readonly version: string;
  readonly profile: string;
}

export interface CoordinatorDeps extends PlanRunDeps {
  readonly delegate: Delegate;
  readonly port: NetworkPort & PlanningPort;
  readonly health: PeerHealth;
  readonly logger: Logger;
}

/** Most delegates that one answer goes through. */
const MAX_DELEGATES = 8;

/** Answers requests over the network: chooses a plan, runs it here or has it run by a delegate, and learns from it. */
export class NetworkCoordinator implements Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #deps: CoordinatorDeps;
  readonly #chooser: PlanChooser;
  /** Answers under way, by the root of their model. */
  readonly #answering = new Map<Root, number>();

  constructor(options: CoordinatorOptions, deps: CoordinatorDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#chooser = new PlanChooser(options, deps, deps.port);
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

  /** Whether an answer of this model is being made for a client of this node. */
  isAnswering(root: Root): boolean {
    return this.#answering.has(root);
  }

  /**
   * @throws InferenceError ERR_INFERENCE_MODEL_UNKNOWN, ERR_INFERENCE_CONTEXT, ERR_INFERENCE_RANGE,
   * ERR_INFERENCE_MISSING_BLOCKS, ERR_INFERENCE_BUSY; GrammarError for a schema that cannot be held to; what a stage reports
   */
  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
    const manifest = this.#manifest(request);
    const { root } = manifest;
    this.#answering.set(root, (this.#answering.get(root) ?? 0) + 1);
    try {
      yield* this.#generate(manifest, request, signal);
    } finally {
      const left = (this.#answering.get(root) ?? 1) - 1;
      if (left > 0) this.#answering.set(root, left);
      else this.#answering.delete(root);
    }
  }

  async *#generate(
    manifest: ModelManifest,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerateEvent> {
    const limit = Math.min(request.maxTokens, manifest.spec.contextLength - request.promptTokens.length);
    const clock = new AnswerClock();
    const committed = [...(request.committedTokens ?? [])];
    const lost: Failover[] = [];
    /** Delegates whose place is taken when the next token comes. */
    const waiting: DelegateLostError[] = [];
    let isAnnounced = false;
    let predicted: PredictedExperts | undefined;
    for (;;) {
      const rest = { ...request, committedTokens: committed };
      const without = new Set([...lost, ...waiting].map(({ peerId }) => peerId));
      const chosen = await this.#choose(manifest, rest, without, signal, predicted);
      predicted = chosen.predicted;
      const { plan, forecast } = chosen;
      const from = committed.length;
      let cachedTokens = 0;
      const tokens = this.#run(manifest, chosen, rest, signal, (cached) => {
        cachedTokens = cached;
      });
      try {
        for (let next = await tokens.next(); ; next = await tokens.next()) {
          if (!isAnnounced) {
            const timing = rounded({ msToFirstToken: forecast.msToFirstToken, msPerToken: forecast.msPerToken });
            yield { type: 'plan', plan: plan.type, profile: plan.profile, forecast: timing, cachedTokens };
            isAnnounced = true;
          }
          for (const { peerId, reason } of waiting.splice(0)) {
            const rows = request.promptTokens.length + from - 1;
            const rowsRecomputed = Object.fromEntries(plan.stages.map((stage) => [stage.peerId, rows]));
            lost.push({ peerId, reason, atToken: from, gapMs: clock.sinceTokenMs(), rowsRecomputed });
          }
          if (next.done) {
            this.#learn(chosen, clock, { spec: manifest.spec, request, end: next.value, lost: lost.length });
            yield { type: 'done', ...merged(next.value, lost), measured: rounded(clock.timing()) };
            return;
          }
          clock.token();
          committed.push(next.value.tokenId);
          yield { type: 'token', index: committed.length - 1, ...next.value };
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DelegateLostError) || lost.length + waiting.length >= MAX_DELEGATES) throw error;
        const { peerId, reason } = error;
        this.#deps.faults.blame(peerId, reason, errorCode(error.cause));
        this.#deps.logger.debug('a delegate was lost', { peerId, reason, code: errorCode(error.cause) });
        if (committed.length >= limit) {
          // All that was missing is the word that it was all.
          yield {
            type: 'done',
            ...merged({ finishReason: 'length', ...NOTHING }, lost),
            measured: rounded(clock.timing()),
          };
          return;
        }
        waiting.push(error);
      } finally {
        await tokens.return({ finishReason: 'length', ...NOTHING });
      }
    }
  }

  state(): NetworkState {
    const { self, networkId, version } = this.#options;
    return networkState(this.#deps.port, { networkId, peerId: self, version });
  }

  notReady(): string | null {
    return notReady(this.#deps.port);
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
    const { promptTokens, committedTokens = [], maxTokens } = request;
    if (promptTokens.length === 0) throw range('The prompt is empty; it needs at least one token.');
    if (committedTokens.length >= maxTokens) throw range('The answer has all its tokens; there is none to compute.');
    const knownTokens = promptTokens.length + committedTokens.length;
    if (knownTokens >= contextLength) {
      throw new InferenceError(
        'ERR_INFERENCE_CONTEXT',
        `The prompt has ${knownTokens} tokens; the model's context is ${contextLength} with the answer. Shorten it.`,
        { kind: 'caller', meta: { promptTokens: knownTokens, contextLength } },
      );
    }
    for (const ids of [promptTokens, committedTokens]) {
      const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
      if (bad !== undefined) throw range(`The token id ${bad} is outside the vocabulary of ${vocabSize}.`);
    }
    // Refused before anybody is asked to compute.
    if (request.jsonSchema !== undefined) this.#deps.grammars.of(manifest.root, request.jsonSchema);
    return manifest;
  }

  /** The first choice must be possible now; after a loss, somebody is waited for. */
  async #choose(
    manifest: ModelManifest,
    request: GenerateRequest,
    without: ReadonlySet<PeerId>,
    signal: AbortSignal,
    predicted: PredictedExperts | undefined,
  ): Promise<Chosen> {
    const until = performance.now() + RETURN_WAIT_MS;
    for (;;) {
      try {
        const chosen = await this.#chooser.choose(manifest, request, without, signal, predicted);
        for (const peerId of participants(chosen.plan)) this.#deps.health.began(peerId);
        return chosen;
      } catch (error) {
        signal.throwIfAborted();
        if (without.size === 0 || performance.now() > until) throw error;
      }
      await this.#deps.networkChanged(RETURN_POLL_MS, signal);
      signal.throwIfAborted();
    }
  }

  #run(
    manifest: ModelManifest,
    { plan }: Chosen,
    request: GenerateRequest,
    signal: AbortSignal,
    opened: (cachedTokens: number) => void,
  ): AsyncGenerator<SampledToken, RunEnd> {
    const isAway = plan.type === 'static_delegate' && plan.stages[0]?.peerId !== this.#options.self;
    if (isAway) return this.#delegated(manifest, plan, request, signal);
    const model = modelView(manifest);
    const run = new PlanRun({ self: this.#options.self, plan, model, request, signal }, this.#deps);
    return this.#here(run, signal, opened);
  }

  async *#here(
    run: PlanRun,
    signal: AbortSignal,
    opened: (cachedTokens: number) => void,
  ): AsyncGenerator<SampledToken, RunEnd> {
    let finishReason: 'stop' | 'length' = 'stop';
    let report: RunReport | null = null;
    try {
      await run.open();
      opened(run.cachedTokens);
      finishReason = yield* run.tokens();
    } catch (error) {
      if (signal.reason !== ANSWER_COMPLETE) throw error;
    } finally {
      report = await run.close();
    }
    return { finishReason, ...report };
  }

  async *#delegated(
    manifest: ModelManifest,
    plan: Chosen['plan'],
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<SampledToken, RunEnd> {
    const { promptTokens, committedTokens = [], jsonSchema } = request;
    let left = request.maxTokens - committedTokens.length;
    let position = promptTokens.length + committedTokens.length;
    const grammar =
      jsonSchema === undefined
        ? null
        : new AnswerGrammar(this.#deps.grammars.of(manifest.root, jsonSchema), promptTokens.length, committedTokens);
    const tokens = this.#deps.delegate.ask(plan, request, signal, () => this.#chooser.hasOther(manifest, plan));
    try {
      for (let next = await tokens.next(); ; next = await tokens.next()) {
        if (next.done) return next.value;
        const { vocabSize } = manifest.spec;
        left--;
        const { tokenId } = next.value;
        if (tokenId >= vocabSize || left < 0 || grammar?.allows(position, [next.value]) === false) {
          const cause = new InferenceError(
            'ERR_INFERENCE_FRAME',
            'A delegate gave what cannot be a token of the answer.',
          );
          throw new DelegateLostError((plan.stages[0] as PlanStage).peerId, 'garbage', cause);
        }
        grammar?.fed(position++, [tokenId]);
        yield next.value;
        // Ending the iteration cancels the delegate; what it did is not heard then.
        if (signal.reason === ANSWER_COMPLETE) return { finishReason: 'stop', ...NOTHING };
      }
    } finally {
      await tokens.return({ finishReason: 'stop', ...NOTHING });
    }
  }

  #learn(
    chosen: Chosen,
    clock: AnswerClock,
    answer: { spec: ModelManifest['spec']; request: GenerateRequest; end: RunEnd; lost: number },
  ): void {
    for (const peerId of participants(chosen.plan)) this.#deps.health.succeeded(peerId);
    const { spec, request, end, lost } = answer;
    if (lost + end.failovers.length > 0 || clock.tokens < 2) return;
    this.#chooser.learn(chosen, {
      spec,
      promptTokens: request.promptTokens.length + (request.committedTokens?.length ?? 0),
      outputTokens: clock.tokens,
      draftedTokens: end.speculation.drafted,
      route: mergeRoute(end.route),
      measured: clock.timing(),
    });
  }
}

const NOTHING = { route: [], failovers: [], speculation: { drafted: 0, accepted: 0 } } as const;

function merged({ finishReason, route, failovers, speculation }: RunEnd, lost: readonly Failover[]) {
  return { finishReason, route: mergeRoute(route), failovers: [...lost, ...failovers], speculation };
}

function range(message: string): InferenceError {
  return new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'caller' });
}
