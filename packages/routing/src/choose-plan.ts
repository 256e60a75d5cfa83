import { type PeerId, PLAN_TYPES, type PlanType } from '@blyan/interface';
import { buildPlan } from './build-plan.ts';
import { coverage } from './coverage.ts';
import { type Correction, type Forecast, forecast } from './forecast.ts';
import type { NodeView } from './node-record.ts';
import type { Plan } from './plan.ts';
import { participants } from './plan-assembly.ts';
import { isRefusal, notCovered, type Refusal } from './plan-outcome.ts';
import type { PlanInput } from './plan-scope.ts';

/** Weight of the forecast time of the whole answer. */
export const LATENCY_WEIGHT = 1;
/** Weight of the busiest node's waiting requests: each is feared to cost half an answer. */
export const LOAD_WEIGHT = 0.5;
/** Weight of the age of the oldest record used, from 0 (new) to 1 (expiring): that node may be gone. */
export const FRESHNESS_WEIGHT = 0.1;

export interface ChooseInput extends PlanInput {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly nowMs: number;
  readonly correction?: (type: PlanType) => Correction;
}

export interface ConsideredPlan {
  readonly type: PlanType;
  readonly plan: Plan;
  readonly forecast: Forecast;
  /** Milliseconds; lower is better. */
  readonly score: number;
}

export interface PlanChosen extends ConsideredPlan {
  /** Every plan that was possible, best first. */
  readonly considered: readonly ConsideredPlan[];
}

/**
 * The plan `auto` takes: of the plans that need nothing fetched, the one with the lowest score = forecast time of the
 * whole answer x (latency weight + load weight x waiting requests + freshness weight x record age).
 */
export function choosePlan(input: ChooseInput): PlanChosen | Refusal {
  const sound = considerAll(input, true);
  const { considered, refusal } = sound.considered.length > 0 || !input.avoid?.size ? sound : considerAll(input, false);
  // Equal scores keep the order of PLAN_TYPES, local first: fewer nodes see the prompt.
  considered.sort((a, b) => a.score - b.score);
  const best = considered[0];
  if (best !== undefined) return { ...best, considered };
  const { missing } = coverage(input.manifest, input.views);
  if (missing.length > 0 || refusal === undefined) return notCovered(missing);
  return refusal;
}

function considerAll(input: ChooseInput, soundOnly: boolean): { considered: ConsideredPlan[]; refusal?: Refusal } {
  const considered: ConsideredPlan[] = [];
  let refusal: Refusal | undefined;
  for (const type of PLAN_TYPES) {
    const outcome = buildPlan(type, input, { hostedOnly: true, soundOnly });
    if (isRefusal(outcome)) {
      refusal ??= outcome;
      continue;
    }
    // A delegate that is this node, or a pipeline of one stage, is the local plan under another name.
    const alone = outcome.plan.stages.every((stage) => stage.peerId === input.self);
    if (outcome.fetch.length > 0 || (alone && type !== 'dynamic' && type !== 'local')) continue;
    considered.push(consider(type, outcome.plan, input, considered));
  }
  return { considered, refusal };
}

function consider(type: PlanType, plan: Plan, input: ChooseInput, earlier: readonly ConsideredPlan[]): ConsideredPlan {
  // Experts are predicted by a pass over the prompt, which another plan has to run.
  const passes = earlier.map((other) => other.forecast.msToFirstToken);
  const result = forecast(plan, input.views, {
    spec: input.manifest.spec,
    promptTokens: input.promptTokens,
    predicted: input.predicted,
    correction: input.correction?.(type),
    preparationMs: type === 'static_delegate' && passes.length > 0 ? Math.min(...passes) : 0,
  });
  const answerMs = result.msToFirstToken + result.msPerToken * Math.max(0, input.outputTokens - 1);
  return { type, plan, forecast: result, score: answerMs * weight(plan, input) };
}

function weight(plan: Plan, { views, self, nowMs }: ChooseInput): number {
  const used = new Set<PeerId>(participants(plan));
  const others = views.filter((view) => used.has(view.peerId) && view.peerId !== self);
  const waiting = Math.max(0, ...others.map((view) => view.queued));
  const age = Math.max(0, ...others.map((view) => ageOf(view, nowMs)));
  return LATENCY_WEIGHT + LOAD_WEIGHT * waiting + FRESHNESS_WEIGHT * age;
}

function ageOf({ issuedAtMs, ttlMs }: NodeView, nowMs: number): number {
  return ttlMs > 0 ? Math.min(1, Math.max(0, (nowMs - issuedAtMs) / ttlMs)) : 1;
}
