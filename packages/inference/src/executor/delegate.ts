import type { GenerateRequest, PeerId, RouteEntry } from '@blyan/interface';
import type { PeerProtocol } from '@blyan/p2p';
import { type Plan, planBytes } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import type { SampledToken } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
import { DELEGATE_IDLE_MS } from './deadlines.ts';
import { generateTokens } from './generate-tokens.ts';
import { PlanRun, type PlanRunDeps } from './run-plan.ts';
import { type Generated, generatedSchema, generateSchema } from './schemas.ts';

export interface DelegateDeps extends PlanRunDeps {
  readonly protocol: PeerProtocol;
  readonly model: (root: string) => ModelView | undefined;
  /** Fetches and verifies what this node lacks to compute alone: trunks, embedding, head. */
  readonly prepare: (plan: Plan, signal: AbortSignal) => Promise<void>;
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

  /** Events of a generation on the plan's only stage; ending the iteration cancels it there. */
  ask(plan: Plan, request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Generated, void, void> {
    const [stage] = plan.stages;
    const message = { plan: planBytes(plan), signature: plan.signature ?? new Uint8Array(), request };
    const options = { response: generatedSchema, idleTimeoutMs: DELEGATE_IDLE_MS, signal };
    return this.#deps.protocol.stream((stage as Plan['stages'][number]).peerId, 'generate', message, options);
  }

  async *#generate(plan: Plan, request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Generated> {
    const model = this.#deps.model(plan.modelRoot);
    if (
      !model ||
      plan.stages.length !== 1 ||
      plan.stages[0]?.peerId !== this.#self ||
      request.modelRoot !== plan.modelRoot
    ) {
      throw new InferenceError('ERR_INFERENCE_PLAN', 'The plan does not make this node the delegate of the model.', {
        kind: 'peer',
      });
    }
    await this.#deps.prepare(plan, signal);
    const run = new PlanRun({ self: this.#self, plan, model, request, signal }, this.#deps);
    await run.open();
    let route: readonly RouteEntry[] = [];
    let finishReason: 'stop' | 'length' = 'length';
    try {
      yield { type: 'opened' };
      const tokens = generateTokens(run, model, request);
      for (let next = await tokens.next(); ; next = await tokens.next()) {
        if (next.done) {
          finishReason = next.value;
          break;
        }
        yield { type: 'token', token: plain(next.value) };
      }
    } finally {
      ({ route } = await run.close());
    }
    yield {
      type: 'end',
      finishReason,
      route: route.map((entry) => ({ ...entry, experts: entry.experts ? [...entry.experts] : undefined })),
    };
  }
}

function plain(token: SampledToken): Extract<Generated, { type: 'token' }>['token'] {
  return { ...token, topLogprobs: token.topLogprobs ? [...token.topLogprobs] : undefined };
}
