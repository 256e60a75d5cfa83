import type { Failover, GenerateRequest, PeerId, RouteEntry, SpeculationReport } from '@blyan/interface';
import { MAX_STEP_ROWS } from '@blyan/params';
import type { Plan, PlanStage } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import { allFinite } from '../finite.ts';
import type { SampledToken, SampleSpec } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
import { pageKeys } from '../page-keys.ts';
import { speculate, VerifyWindows } from '../speculation/index.ts';
import { sequenceId } from '../wire.ts';
import { AnswerGrammar } from './answer-grammar.ts';
import { chunkRows } from './chunk-rows.ts';
import { STEP_TIMEOUT_MS } from './deadlines.ts';
import { DrawAhead, drawsWhereItBegins } from './draw-ahead.ts';
import { lossReason } from './loss-reason.ts';
import { attempt, GarbageError, PeerError } from './peer-error.ts';
import { type Recovered, Recovery, type Started } from './recovery.ts';
import type { LostNode, RunInbox } from './result-inbox.ts';
import type { PlanRunDeps } from './run-deps.ts';
import { SlowStages } from './slow-stages.ts';
import { type PlanUsage, StageChain } from './stage-chain.ts';
import type { StageResult, StageStep } from './stage-port.ts';
import { StalledStages } from './stalled-stages.ts';

export interface PlanRunOptions {
  readonly self: PeerId;
  readonly plan: Plan;
  readonly model: ModelView;
  readonly request: GenerateRequest;
  readonly signal: AbortSignal;
}

export interface RunReport {
  readonly route: readonly RouteEntry[];
  readonly failovers: readonly Failover[];
  readonly speculation: SpeculationReport;
  /** [layer][expert] rows that chose the expert. */
  readonly expertRows: PlanUsage['expertRows'];
}

/**
 * One request on one plan, driven by this node as coordinator: opens the stages, feeds rows to the first, takes results
 * from the last, samples. A node that is lost meanwhile is replaced, and the answer goes on with the same tokens.
 * Whatever happens, `close` frees every stage.
 */
export class PlanRun {
  readonly #options: PlanRunOptions;
  readonly #deps: PlanRunDeps;
  readonly #chain: StageChain;
  readonly #inbox: RunInbox;
  readonly #windows: VerifyWindows;
  readonly #recovery: Recovery;
  readonly #slow: SlowStages;
  readonly #stalled: StalledStages;
  /** Prompt and committed answer. */
  readonly #tokens: number[];
  readonly #grammar: AnswerGrammar | null;
  readonly #sample: SampleSpec;
  #plan: Plan;
  #unwatch: (() => void)[] = [];
  #isSound = false;
  #fedAtMs = performance.now();
  /** Position behind the last row given to the first stage. */
  #fedTo = 0;
  /** Prompt rows that every stage had. */
  #adopted = 0;
  readonly #ahead: DrawAhead;
  /** Of the first stage, if it is here. */
  readonly #sequence: string;
  /** Results come over a lane of this node's engine. */
  #isByLane = false;

  constructor(options: PlanRunOptions, deps: PlanRunDeps) {
    const { self, plan, model, request, signal } = options;
    const { promptTokens, committedTokens = [], maxTokens, sampling, topLogprobs, returnLogits } = request;
    const { spec } = model;
    this.#options = options;
    this.#deps = deps;
    this.#plan = plan;
    this.#sample = { params: sampling, topLogprobs, logits: returnLogits };
    this.#tokens = [...promptTokens, ...committedTokens];
    const { jsonSchema } = request;
    this.#grammar =
      jsonSchema === undefined
        ? null
        : new AnswerGrammar(deps.grammars.of(model.root, jsonSchema), promptTokens.length, committedTokens);
    const end = Math.min(promptTokens.length + maxTokens, spec.contextLength);
    const endTokens = request.ignoreEos ? [] : spec.eosTokenIds;
    const ends = new Set(endTokens);
    this.#windows = new VerifyWindows({
      context: this.#tokens,
      limit: end - this.#tokens.length,
      isEnd: (token) => ends.has(token),
      speculation: speculate(request.speculation ?? 'auto', () => deps.speculation(plan)),
      // 0 is for opening.
      epoch: 1,
    });
    this.#chain = new StageChain({ self, requestId: request.requestId, capacity: end, model, signal }, deps);
    this.#inbox = deps.inbox.open(request.requestId, plan);
    const { requestId } = request;
    this.#sequence = sequenceId(requestId, 0, self);
    this.#ahead = new DrawAhead(
      { requestId, sequence: this.#sequence, end, ends: endTokens, hiddenSize: spec.hiddenSize },
      {
        engine: deps.engine,
        step: (step) => this.#step(step, 1),
        drawn: (result) => deps.inbox.deliver(this.#last.peerId, result),
        failed: (error) => this.#inbox.push({ type: 'failed', error }),
      },
    );
    this.#slow = new SlowStages();
    this.#stalled = new StalledStages(self);
    this.#recovery = new Recovery(
      { self, signal, firstToken: promptTokens.length - 1 },
      { ...deps, chain: this.#chain, inbox: this.#inbox, expect: (other, epoch) => this.#expect(other, epoch) },
    );
  }

  /** Tokens of the prompt that were not computed because every stage had their pages. */
  get cachedTokens(): number {
    return Math.min(this.#adopted, this.#options.request.promptTokens.length);
  }

  /** Opens every stage. @throws what a stage refuses with, when nobody else can take its place */
  async open(): Promise<void> {
    // Whatever is adopted, the last row is computed: there must be something to sample from.
    const keys = pageKeys(this.#tokens);
    const { frontier } = this.#windows;
    const started = await this.#recovery.open(this.#plan, keys, frontier);
    this.#adopted = started.start;
    this.#use(started);
    this.#windows.prefilling(performance.now());
    try {
      await this.#feed(started.start, frontier);
    } catch (error) {
      await this.#recover(this.#lostBy(error));
    }
  }

  /** The tokens of the answer behind those committed already, and why it ends; the end token is not among them. */
  async *tokens(): AsyncGenerator<SampledToken, 'stop' | 'length', void> {
    for (;;) {
      const tokens = await this.#advance();
      // Under way before anybody looks at the tokens.
      if (!this.#windows.ended) {
        await this.#feedWindows();
        this.#expectNext();
      }
      yield* tokens;
      if (this.#windows.ended) return this.#windows.ended;
    }
  }

  /** Frees the stages and tells what each did. A node that does not answer is left out. */
  async close(): Promise<RunReport> {
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    this.#ahead.forget();
    const { requestId } = this.#options.request;
    // The row of the newest token may not have been computed; of a run that failed nothing is kept.
    const isKept = this.#isSound && !this.#plan.mixedProfile;
    const usage = await this.#chain.close(isKept ? pageKeys(this.#tokens.slice(0, -1)) : []);
    this.#deps.inbox.close(requestId, this.#inbox);
    return {
      route: usage.route,
      failovers: this.#recovery.failovers(usage.replaced),
      speculation: this.#windows.report,
      expertRows: usage.expertRows,
    };
  }

  /** Waits for the next result; replaces nodes that are lost meanwhile. */
  async #advance(): Promise<readonly SampledToken[]> {
    const { signal } = this.#options;
    let lookAtMs = performance.now() + this.#slow.lateMs;
    // While nothing waits for it.
    this.#expectNext();
    for (;;) {
      const leftMs = lookAtMs - performance.now();
      // However many results come that do not count.
      const event = leftMs > 0 ? await this.#inbox.next(leftMs, signal) : LATE;
      if (event.type === 'lost') {
        if (this.#uses(event.lost.peerId)) await this.#recover(event.lost);
      } else if (event.type === 'failed') {
        await this.#recover(this.#lostBy(event.error));
      } else if (event.type === 'late') {
        await this.#late();
        lookAtMs = performance.now() + this.#slow.lateMs;
      } else {
        const tokens = await this.#take(event.result);
        if (tokens) return tokens;
      }
    }
  }

  /** The tokens that a result commits; null for one that does not count any more. */
  async #take(result: StageResult): Promise<readonly SampledToken[] | null> {
    const { epoch, position } = result;
    if (epoch !== this.#windows.epoch) return null;
    const arrivedMs = performance.now();
    this.#isByLane = result.isByLane ?? false;
    let sampled: readonly SampledToken[];
    let committed: readonly number[];
    try {
      sampled = await this.#draw(result);
      const ids = sampled.map(({ tokenId }) => tokenId);
      if (ids.length < this.#windows.rowsDue(position)) throw new GarbageError();
      // Drawing is part of what a window costs: the wider it is, the more.
      committed = this.#windows.verified({ epoch, position, sampled: ids }, performance.now());
    } catch (error) {
      if (error instanceof GarbageError) await this.#recover({ peerId: this.#last.peerId, reason: 'garbage', error });
      else await this.#recover(this.#lostBy(error));
      return null;
    }
    if (committed.length === 0 && !this.#windows.ended) return null;
    this.#slow.result(arrivedMs);
    this.#recovery.result(arrivedMs);
    this.#fedAtMs = arrivedMs;
    this.#tokens.push(...committed);
    this.#isSound = true;
    return sampled.slice(0, committed.length);
  }

  async #draw({ hidden, tokens, position, epoch }: StageResult): Promise<readonly SampledToken[]> {
    if (tokens) return tokens;
    const { hiddenSize, vocabSize } = this.#options.model.spec;
    const rows = (hidden?.length ?? 0) / hiddenSize;
    if (!hidden || !Number.isInteger(rows) || rows < 1 || rows > MAX_STEP_ROWS || !allFinite(hidden))
      throw new GarbageError();
    const { self, signal } = this.#options;
    const { modelRoot, head } = this.#plan;
    const masks = this.#grammar?.masks(position + 1, rows);
    const request = { modelRoot, hidden, position: position + 1, spec: this.#sample, masks };
    if (head === self) return this.#ahead.draw(request, epoch, rows);
    return attempt(head, async () => {
      const drawn = await this.#deps.network.sample(head, request, signal);
      if (drawn.length !== rows || drawn.some(({ tokenId }) => tokenId >= vocabSize)) throw new GarbageError();
      if (this.#grammar && !this.#grammar.allows(position + 1, drawn)) throw new GarbageError();
      return drawn;
    });
  }

  #expectNext(): void {
    const windows = this.#windows;
    const isPlain =
      drawsWhereItBegins(this.#plan, this.#options.self) && windows.inFlight.rows === 1 && windows.isPlainNext;
    const position = windows.frontier + 1;
    this.#ahead.expect(
      isPlain ? { epoch: windows.epoch, position } : null,
      this.#isByLane ? this.#last.peerId : null,
      () => ({ modelRoot: this.#plan.modelRoot, spec: this.#sample, masks: this.#grammar?.masks(position, 1) }),
    );
  }

  /** Nothing has come for longer than usual: a stage that is behind for no good reason is replaced, if it can be. */
  async #late(): Promise<void> {
    const { self } = this.#options;
    const waitedMs = performance.now() - this.#fedAtMs;
    const stages = await this.#chain.progress(this.#plan);
    const closed = stages.find(({ isOpen, peerId }) => !isOpen && peerId !== self);
    if (closed) {
      const error = new InferenceError('ERR_INFERENCE_SEQUENCE_UNKNOWN', 'A stage was closed.', { kind: 'peer' });
      await this.#recover({ peerId: closed.peerId, reason: 'gone', error });
      return;
    }
    const isLastCall = waitedMs > STEP_TIMEOUT_MS;
    const others = stages.filter(({ peerId }) => peerId !== self);
    const slow =
      this.#slow.late(others, waitedMs) ?? this.#stalled.late(stages, this.#fedTo, performance.now(), isLastCall);
    if (slow === null || this.#deps.replace(this.#plan, new Set([slow])) === null) {
      if (!isLastCall) return;
      const message = `The stages gave no result within ${STEP_TIMEOUT_MS / 1000} s; ask again, or choose another plan.`;
      throw new InferenceError('ERR_INFERENCE_DEADLINE', message, { kind: 'peer' });
    }
    const error = new InferenceError('ERR_INFERENCE_DEADLINE', 'A stage is far slower than it was before.', {
      kind: 'peer',
      meta: { peerId: slow },
    });
    await this.#recover({ peerId: slow, reason: 'slow', error });
  }

  async #feedWindows(): Promise<void> {
    for (;;) {
      const window = this.#windows.next(performance.now(), this.#ahead.isFed);
      if (!window) return;
      const { epoch, position, tokens } = window;
      try {
        await this.#feedTokens(Uint32Array.from(tokens), epoch, position, tokens.length);
      } catch (error) {
        await this.#recover(this.#lostBy(error));
      }
    }
  }

  async #recover(lost: LostNode): Promise<void> {
    this.#isSound = false;
    this.#ahead.forget();
    this.#isByLane = false;
    let next: LostNode | null = lost;
    while (next) {
      const { frontier, hasFallen, epoch } = this.#windows;
      const progress = { frontier, valid: hasFallen ? frontier : frontier + 1, epoch: epoch + 1 };
      const recovered: Recovered = await this.#recovery.recover(this.#plan, next, progress);
      this.#windows.restart(recovered.epoch);
      this.#use(recovered);
      this.#windows.prefilling(performance.now());
      next = null;
      try {
        await this.#feed(recovered.start, frontier);
      } catch (error) {
        next = this.#lostBy(error);
      }
    }
  }

  #lostBy(error: unknown): LostNode {
    this.#options.signal.throwIfAborted();
    if (!(error instanceof PeerError)) throw error;
    const { peerId, cause } = error;
    return { peerId, reason: cause instanceof GarbageError ? 'garbage' : lossReason(cause), error: cause };
  }

  #expect(plan: Plan, epoch: number): void {
    const { self } = this.#options;
    this.#inbox.expect(plan, epoch);
    const before = this.#unwatch;
    const peers = new Set([...plan.stages.map(({ peerId }) => peerId), plan.embedding, plan.head]);
    this.#unwatch = [...peers].filter((peerId) => peerId !== self).map((peerId) => this.#deps.heartbeat.watch(peerId));
    for (const unwatch of before) unwatch();
  }

  #use({ plan, active }: Started): void {
    this.#plan = plan;
    this.#slow.opened(active);
  }

  /** Feeds known tokens from a position up to the frontier, whose row is wanted. */
  async #feed(start: number, frontier: number): Promise<void> {
    const rows = chunkRows(this.#options.model.spec);
    const { epoch } = this.#windows;
    for (let from = start; from <= frontier; from += rows) {
      this.#options.signal.throwIfAborted();
      const end = Math.min(from + rows, frontier + 1);
      const tokens = Uint32Array.from(this.#tokens.slice(from, end));
      await this.#feedTokens(tokens, epoch, from, end > frontier ? 1 : 0);
    }
  }

  /** Gives the first stage its rows; does not wait for what becomes of them. @throws PeerError */
  async #feedTokens(tokens: Uint32Array<ArrayBuffer>, epoch: number, position: number, wanted: number): Promise<void> {
    const { self, request } = this.#options;
    const { embedding, modelRoot } = this.#plan;
    const first = this.#plan.stages[0] as PlanStage;
    this.#fedAtMs = performance.now();
    this.#fedTo = position + tokens.length;
    this.#grammar?.fed(position, tokens);
    if (this.#ahead.takes(epoch, position)) return;
    if (first.peerId === self && embedding === self) {
      this.#step({ epoch, position, wanted, input: tokens }, tokens.length);
      return;
    }
    const rows =
      embedding === self
        ? await this.#deps.engine.embed({ modelRoot, tokens })
        : await attempt(embedding, () => this.#embedded(embedding, tokens));
    if (first.peerId === self) this.#step({ epoch, position, wanted, input: rows }, tokens.length);
    else {
      const frame = { requestId: request.requestId, layer: 0, epoch, position, wanted, rows };
      await attempt(first.peerId, () => this.#deps.network.forward(first.peerId, self, frame));
    }
  }

  async #embedded(peerId: PeerId, tokens: Uint32Array): Promise<Float32Array<ArrayBuffer>> {
    const { model, signal } = this.#options;
    const rows = await this.#deps.network.embed(peerId, this.#plan.modelRoot, tokens, signal);
    // The first stage would be held to have got them from here.
    if (rows.length !== tokens.length * model.spec.hiddenSize || !allFinite(rows)) throw new GarbageError();
    return rows;
  }

  #step(step: Omit<StageStep, 'sample' | 'masks'>, rows: number): void {
    const samplesHere = this.#plan.stages.length === 1 && this.#plan.head === this.#options.self;
    if (!samplesHere) void this.#deps.host.step(this.#sequence, step);
    else {
      const masks = this.#grammar?.masks(step.position + rows - step.wanted + 1, step.wanted);
      void this.#deps.host.step(this.#sequence, { ...step, sample: this.#sample, masks });
    }
  }

  #uses(peerId: PeerId): boolean {
    const { stages, embedding, head } = this.#plan;
    return peerId === embedding || peerId === head || stages.some((stage) => stage.peerId === peerId);
  }

  get #last(): PlanStage {
    return this.#plan.stages.at(-1) as PlanStage;
  }
}

const LATE = { type: 'late' } as const;
