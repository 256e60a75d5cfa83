import { AppError, errorCode, isRoot, type Logger, type PeerId } from '@blyan/interface';
import type { PeerProtocol } from '@blyan/p2p';
import type { Plan } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import type { RemoteExpertCall } from '../layer-pass.ts';
import { EXPERTS_TIMEOUT_MS } from './deadlines.ts';
import type { ExpertTally } from './tally.ts';
import { decodeOutput, type ExpertGroup, encodeExperts } from './wire.ts';

/** What the caller of experts belongs to: a stage of a plan, and where its calls are counted. */
export interface ExpertCallContext {
  readonly plan: Plan;
  readonly hiddenSize: number;
  readonly tallies: readonly ExpertTally[];
  readonly signal: AbortSignal;
}

/** Calls experts where the plan says they are: one call per holder and layer, all holders at once. */
export class ExpertCaller {
  readonly #self: PeerId;
  readonly #protocol: PeerProtocol;
  readonly #logger: Logger;

  constructor(options: { self: PeerId }, deps: { protocol: PeerProtocol; logger: Logger }) {
    this.#self = options.self;
    this.#protocol = deps.protocol;
    this.#logger = deps.logger;
  }

  /**
   * @returns outputs in the order of the call's groups, each [rows of the group, hidden]
   * @throws InferenceError ERR_INFERENCE_MISSING_BLOCKS when no holder of an expert answers
   */
  async call(context: ExpertCallContext, call: RemoteExpertCall): Promise<Float32Array<ArrayBuffer>[]> {
    const outputs = new Array<Float32Array<ArrayBuffer>>(call.groups.length);
    const byHolder = new Map<PeerId, number[]>();
    call.groups.forEach((group, index) => {
      const holder = this.#holders(context.plan, call.layer, group.expert)[0];
      if (holder === undefined) throw unanswered(call.layer, [group.expert]);
      const indices = byHolder.get(holder);
      if (indices) indices.push(index);
      else byHolder.set(holder, [index]);
    });
    await Promise.all(
      [...byHolder].map(([holder, indices]) => this.#ask(context, call, holder, indices, new Set(), outputs)),
    );
    return outputs;
  }

  /** Asks one holder; when it fails, the next holders of the same experts. */
  async #ask(
    context: ExpertCallContext,
    call: RemoteExpertCall,
    holder: PeerId,
    indices: readonly number[],
    failed: ReadonlySet<PeerId>,
    outputs: Float32Array<ArrayBuffer>[],
  ): Promise<void> {
    const groups = indices.map((index) => call.groups[index] as ExpertGroup);
    const started = packed(groups, call.rows, context.hiddenSize);
    try {
      const body = encodeExperts({ modelRoot: context.plan.modelRoot, layer: call.layer, ...started });
      const options = { timeoutMs: EXPERTS_TIMEOUT_MS, signal: context.signal };
      const answer = decodeOutput(await this.#protocol.callRaw(holder, 'experts', body, options));
      let at = 0;
      for (const index of indices) {
        const length = (call.groups[index] as ExpertGroup).rows.length * context.hiddenSize;
        outputs[index] = answer.rows.slice(at, at + length);
        at += length;
      }
      if (at !== answer.rows.length)
        throw new InferenceError('ERR_INFERENCE_FRAME', 'A peer answered an expert call with a wrong number of rows.', {
          kind: 'peer',
          meta: { peerId: holder },
        });
      const experts = groups.map(({ expert }) => expert);
      for (const tally of context.tallies) tally.add(holder, call.layer, experts, answer.ms / context.tallies.length);
    } catch (error) {
      if (context.signal.aborted) throw error;
      this.#logger.debug('an expert call failed', { peerId: holder, layer: call.layer, code: errorCode(error) });
      const tried = new Set([...failed, holder]);
      const next = new Map<PeerId, number[]>();
      for (const index of indices) {
        const { expert } = call.groups[index] as ExpertGroup;
        const other = this.#holders(context.plan, call.layer, expert).find((peerId) => !tried.has(peerId));
        if (other === undefined) throw unanswered(call.layer, [expert], error);
        next.set(other, [...(next.get(other) ?? []), index]);
      }
      await Promise.all([...next].map(([other, rest]) => this.#ask(context, call, other, rest, tried, outputs)));
    }
  }

  #holders(plan: Plan, layer: number, expert: number): PeerId[] {
    return (plan.experts[layer]?.[expert] ?? []).filter((peerId) => peerId !== this.#self);
  }
}

/** The rows the groups name, each once, and the groups with indices into them. */
function packed(
  groups: readonly ExpertGroup[],
  rows: Float32Array,
  hiddenSize: number,
): { groups: ExpertGroup[]; rows: Float32Array<ArrayBuffer> } {
  const order = [...new Set(groups.flatMap((group) => group.rows))].sort((a, b) => a - b);
  const place = new Map(order.map((row, index) => [row, index]));
  const compact = new Float32Array(order.length * hiddenSize);
  order.forEach((row, index) => {
    compact.set(rows.subarray(row * hiddenSize, (row + 1) * hiddenSize), index * hiddenSize);
  });
  return {
    groups: groups.map(({ expert, rows: members }) => ({
      expert,
      rows: members.map((row) => place.get(row) as number),
    })),
    rows: compact,
  };
}

function unanswered(layer: number, experts: readonly number[], cause?: unknown): InferenceError {
  const missing = experts.map((expert) => `expert:${layer}.${expert}`);
  // The last holder may have said which of its files is lost.
  const root =
    cause instanceof AppError && typeof cause.meta.root === 'string' && isRoot(cause.meta.root)
      ? cause.meta.root
      : null;
  const block = root === null ? '' : ` (block ${root})`;
  const code = cause === undefined ? '' : `, the last try ended with ${errorCode(cause)}`;
  const message = `No node that holds ${missing.join(', ')}${block} answers${code}; ask again when one is back, or start another holder.`;
  return new InferenceError('ERR_INFERENCE_MISSING_BLOCKS', message, {
    kind: 'peer',
    meta: { missing, ...(cause === undefined ? {} : { code: errorCode(cause) }), ...(root === null ? {} : { root }) },
    cause,
  });
}
