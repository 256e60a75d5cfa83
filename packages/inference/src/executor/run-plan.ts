import type { GenerateRequest, PeerId, RouteEntry } from '@blyan/interface';
import { MAX_FRAME_BYTES, MAX_STEP_ROWS } from '@blyan/params';
import type { Plan } from '@blyan/routing';
import type { Engine } from '../engine.ts';
import type { SampledToken, SampleSpec } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
import type { ResultInbox } from './result-inbox.ts';
import type { StageUsage } from './schemas.ts';
import type { StageHost } from './stage-host.ts';
import type { StageNetwork } from './stage-network.ts';
import { mergeRoute } from './tally.ts';
import { sequenceId } from './wire.ts';

/** Rows of a prompt that travel together: later stages begin while earlier ones compute the next chunk. */
const CHUNK_ROWS = 128;

export interface PlanRunDeps {
  readonly engine: Engine;
  readonly host: StageHost;
  readonly network: StageNetwork;
  readonly inbox: ResultInbox;
}

export interface PlanUsage {
  readonly route: readonly RouteEntry[];
  /** [layer][expert] rows that chose the expert. */
  readonly expertRows: readonly (readonly number[])[];
}

/**
 * One request on one plan, driven by this node as coordinator: opens the stages, feeds rows to the first, waits for the
 * last, samples. Whatever happens, `close` frees every stage.
 */
export class PlanRun {
  readonly #self: PeerId;
  readonly #plan: Plan;
  readonly #model: ModelView;
  readonly #request: GenerateRequest;
  readonly #deps: PlanRunDeps;
  readonly #signal: AbortSignal;
  #position = 0;

  constructor(
    options: { self: PeerId; plan: Plan; model: ModelView; request: GenerateRequest; signal: AbortSignal },
    deps: PlanRunDeps,
  ) {
    this.#self = options.self;
    this.#plan = options.plan;
    this.#model = options.model;
    this.#request = options.request;
    this.#signal = options.signal;
    this.#deps = deps;
  }

  /** Opens every stage, all at once; nothing is open when it throws. */
  async open(): Promise<void> {
    const { requestId, promptTokens, maxTokens } = this.#request;
    const capacity = Math.min(promptTokens.length + maxTokens, this.#model.spec.contextLength);
    this.#deps.inbox.open(requestId, this.#plan);
    const opened = await Promise.allSettled(
      this.#plan.stages.map(({ peerId }, stage) => {
        const request = { requestId, stage, capacity, plan: this.#plan };
        if (peerId === this.#self) return this.#deps.host.open({ ...request, coordinator: this.#self });
        return this.#deps.network.open(peerId, request, this.#signal);
      }),
    );
    const refused = opened.find((result) => result.status === 'rejected');
    if (!refused) return;
    await this.close();
    throw refused.reason;
  }

  /** Computes the prompt, and the tokens of the answer that are known already, and draws the next one. */
  prefill(): Promise<SampledToken> {
    const { promptTokens, committedTokens = [] } = this.#request;
    return this.#advance(Uint32Array.from([...promptTokens, ...committedTokens]));
  }

  /** Computes one token and draws the next. */
  decode(tokenId: number): Promise<SampledToken> {
    return this.#advance(Uint32Array.of(tokenId));
  }

  /** Frees the stages and tells what each did. A node that does not answer is left out. */
  async close(): Promise<PlanUsage> {
    const { requestId } = this.#request;
    const usages = await Promise.all(
      this.#plan.stages.map(async ({ peerId }, stage): Promise<StageUsage | null> => {
        try {
          if (peerId === this.#self) return await this.#deps.host.close(sequenceId(requestId, stage, this.#self));
          return await this.#deps.network.close(peerId, requestId, stage);
        } catch {
          return null;
        }
      }),
    );
    this.#deps.inbox.close(requestId);
    const { expertCount } = this.#model.spec;
    const expertRows = usages.flatMap((usage, index) => {
      const { firstLayer, lastLayer } = this.#plan.stages[index] as Plan['stages'][number];
      return Array.from({ length: lastLayer - firstLayer + 1 }, (_, layer) =>
        Array.from({ length: expertCount }, (_unused, expert) => usage?.expertRows[layer * expertCount + expert] ?? 0),
      );
    });
    return { route: mergeRoute(usages.flatMap((usage) => usage?.route ?? [])), expertRows };
  }

  async #advance(tokens: Uint32Array<ArrayBuffer>): Promise<SampledToken> {
    const { requestId, sampling, topLogprobs, returnLogits } = this.#request;
    const { hiddenSize, expertsPerToken } = this.#model.spec;
    const sample: SampleSpec = { params: sampling, topLogprobs, logits: returnLogits };
    // One holder may have to answer for every expert of every row in a single frame.
    const rows = Math.max(
      1,
      Math.min(CHUNK_ROWS, MAX_STEP_ROWS, Math.floor(MAX_FRAME_BYTES / 2 / (hiddenSize * 4 * expertsPerToken))),
    );
    let wantedAt = this.#position;
    for (let from = 0; from < tokens.length; from += rows) {
      this.#signal.throwIfAborted();
      const chunk = tokens.slice(from, from + rows);
      wantedAt = this.#position + from;
      await this.#feed(chunk, wantedAt, from + rows >= tokens.length, sample);
    }
    this.#position += tokens.length;
    const result = await this.#deps.inbox.wait(requestId, wantedAt, this.#signal);
    if (result.token) return result.token;
    const request = {
      modelRoot: this.#plan.modelRoot,
      hidden: result.hidden ?? new Float32Array(),
      position: this.#position,
      spec: sample,
    };
    if (this.#plan.head === this.#self) return this.#deps.engine.sample(request);
    return this.#deps.network.sample(this.#plan.head, request, this.#signal);
  }

  /** Gives the first stage its rows; does not wait for what becomes of them. */
  async #feed(tokens: Uint32Array<ArrayBuffer>, position: number, wanted: boolean, sample: SampleSpec): Promise<void> {
    const { requestId } = this.#request;
    const first = this.#plan.stages[0] as Plan['stages'][number];
    const here = this.#plan.embedding === this.#self;
    if (first.peerId === this.#self && here) {
      this.#step({ position, wanted, input: tokens, sample });
      return;
    }
    const hidden = here
      ? await this.#deps.engine.embed({ modelRoot: this.#plan.modelRoot, tokens })
      : await this.#deps.network.embed(this.#plan.embedding, this.#plan.modelRoot, tokens, this.#signal);
    if (first.peerId === this.#self) this.#step({ position, wanted, input: hidden, sample });
    else
      await this.#deps.network.forward(first.peerId, this.#self, {
        requestId,
        stage: 0,
        position,
        wanted,
        rows: hidden,
      });
  }

  #step(step: {
    position: number;
    wanted: boolean;
    input: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
    sample: SampleSpec;
  }): void {
    const samplesHere = this.#plan.stages.length === 1 && this.#plan.head === this.#self;
    const id = sequenceId(this.#request.requestId, 0, this.#self);
    void this.#deps.host.step(id, samplesHere ? step : { ...step, sample: undefined });
  }
}
