import { errorCode, type FaultReason, type GenerateRequest, type PeerId } from '@blyan/interface';
import type { PeerProtocol } from '@blyan/p2p';
import { type Plan, planBytes } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import type { SampledToken } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
import { DELEGATE_IDLE_MS, STEP_TIMEOUT_MS } from './deadlines.ts';
import { isFinalError } from './final-error.ts';
import { PlanRun, type RunReport } from './plan-run.ts';
import type { PlanRunDeps } from './run-deps.ts';
import { type Generated, generatedSchema, generateSchema } from './schemas.ts';
import { SlowStages } from './slow-stages.ts';

export interface DelegateDeps extends PlanRunDeps {
  readonly protocol: PeerProtocol;
  readonly model: (root: string) => ModelView | undefined;
  /** Fetches and verifies what this node lacks to compute alone: trunks, embedding, head. */
  readonly prepare: (plan: Plan, signal: AbortSignal) => Promise<void>;
}

/** Why an answer ended, and what was done for it. */
export interface RunEnd extends Pick<RunReport, 'route' | 'failovers' | 'speculation'> {
  readonly finishReason: 'stop' | 'length';
}

/** The delegate does not go on; somebody else can. */
export class DelegateLostError extends InferenceError {
  readonly peerId: PeerId;
  readonly reason: FaultReason;

  constructor(peerId: PeerId, reason: FaultReason, cause: unknown) {
    const message = `The node that computed this answer does not go on (${errorCode(cause)}); ask again.`;
    super('ERR_INFERENCE_STAGE', message, { kind: 'peer', cause, meta: { peerId, code: errorCode(cause) } });
    this.peerId = peerId;
    this.reason = reason;
  }
}

/** Whole generations on another node: asks for one, and computes those that others ask for. */
export class Delegate {
  readonly #self: PeerId;
  readonly #deps: DelegateDeps;

  constructor(options: { self: PeerId }, deps: DelegateDeps) {
    this.#self = options.self;
    this.#deps = deps;
  }

  serve(): void {
    const { protocol, network } = this.#deps;
    protocol.handle('generate', { request: generateSchema }, ({ plan, signature, request }, { peerId, signal }) =>
      this.#generate(network.readPlan(plan, signature, peerId), request, signal),
    );
  }

  /**
   * Tokens of a generation on the plan's only stage; ending the iteration cancels it there.
   *
   * @param isReplaceable whether somebody else could go on instead of a delegate that is merely slow
   * @throws DelegateLostError when the delegate is gone, silent, slow or failing; errors that any node would make
   */
  async *ask(
    plan: Plan,
    request: GenerateRequest,
    signal: AbortSignal,
    isReplaceable: () => boolean,
  ): AsyncGenerator<SampledToken, RunEnd> {
    const { peerId } = plan.stages[0] as Plan['stages'][number];
    const { protocol, inbox, heartbeat } = this.#deps;
    const message = { plan: planBytes(plan), signature: plan.signature ?? new Uint8Array(), request };
    const given = new AbortController();
    const run = inbox.open(request.requestId, plan);
    let reason: FaultReason | null = null;
    run.onLost = (_peerId, why) => {
      reason ??= why;
      given.abort(new InferenceError('ERR_INFERENCE_STAGE', `The delegate is ${why}.`, { kind: 'peer' }));
    };
    const unwatch = heartbeat.watch(peerId);
    const events = protocol.stream(peerId, 'generate', message, {
      response: generatedSchema,
      idleTimeoutMs: DELEGATE_IDLE_MS,
      signal: AbortSignal.any([signal, given.signal]),
    });
    const slow = new SlowStages();
    // It may first fetch blocks; from then on it has as long as stages have.
    let patienceMs = DELEGATE_IDLE_MS;
    try {
      for (;;) {
        const event = await whileUsual(events.next(), slow, { peerId, patienceMs, isReplaceable });
        patienceMs = STEP_TIMEOUT_MS;
        if (event === 'slow') {
          reason = 'slow';
          throw new InferenceError('ERR_INFERENCE_DEADLINE', 'The delegate is far slower than it was before.');
        }
        if (event.done) throw new InferenceError('ERR_INFERENCE_STAGE', 'The delegate ended without saying why.');
        if (event.value.type === 'token') {
          slow.result(performance.now());
          yield event.value.token;
        } else if (event.value.type === 'end') return event.value;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (isFinalError(error)) throw error;
      throw new DelegateLostError(peerId, reason ?? reasonOf(error), error);
    } finally {
      unwatch();
      inbox.close(request.requestId, run);
      // Cancels it; what is still under way is not waited for.
      given.abort(new InferenceError('ERR_INFERENCE_CANCELLED', 'The request was cancelled.'));
      events.return().catch(() => undefined);
    }
  }

  async *#generate(plan: Plan, request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Generated> {
    const model = this.#deps.model(plan.modelRoot);
    if (
      !model ||
      plan.stages.length !== 1 ||
      plan.stages[0]?.peerId !== this.#self ||
      request.modelRoot !== plan.modelRoot ||
      (request.committedTokens?.length ?? 0) >= request.maxTokens
    ) {
      throw new InferenceError('ERR_INFERENCE_PLAN', 'The plan does not make this node the delegate of the model.', {
        kind: 'peer',
      });
    }
    await this.#deps.prepare(plan, signal);
    const run = new PlanRun({ self: this.#self, plan, model, request, signal }, this.#deps);
    let finishReason: 'stop' | 'length' = 'length';
    let report: RunReport | null = null;
    try {
      await run.open();
      yield { type: 'opened' };
      const tokens = run.tokens();
      for (let next = await tokens.next(); ; next = await tokens.next()) {
        if (next.done) {
          finishReason = next.value;
          break;
        }
        yield { type: 'token', token: plain(next.value) };
      }
    } finally {
      report = await run.close();
    }
    yield {
      type: 'end',
      finishReason,
      route: report.route.map((entry) => ({ ...entry, experts: entry.experts ? [...entry.experts] : undefined })),
      failovers: report.failovers.map((failover) => ({ ...failover, rowsRecomputed: { ...failover.rowsRecomputed } })),
      speculation: { ...report.speculation },
    };
  }
}

/** What comes next, or `slow` when the delegate lets too many answers wait for too long. */
async function whileUsual<T>(
  next: Promise<T>,
  slow: SlowStages,
  delegate: { readonly peerId: PeerId; readonly patienceMs: number; readonly isReplaceable: () => boolean },
): Promise<T | 'slow'> {
  const { peerId, patienceMs, isReplaceable } = delegate;
  const startedAt = performance.now();
  for (;;) {
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), slow.lateMs);
    const first = await Promise.race([next, late.promise]).finally(() => clearTimeout(timer));
    if (first !== 'late') return first;
    const progress = [{ peerId, received: null, computed: null, isOpen: true, isBehind: true, active: 1 }];
    const waitedMs = performance.now() - startedAt;
    if ((slow.late(progress, waitedMs) !== null || waitedMs > patienceMs) && isReplaceable()) {
      next.catch(() => undefined);
      return 'slow';
    }
  }
}

function reasonOf(error: unknown): FaultReason {
  const code = errorCode(error);
  if (code === 'ERR_P2P_TIMEOUT') return 'silent';
  return code.startsWith('ERR_P2P') ? 'gone' : 'error';
}

function plain(token: SampledToken): Extract<Generated, { type: 'token' }>['token'] {
  return { ...token, topLogprobs: token.topLogprobs ? [...token.topLogprobs] : undefined };
}
