import type { PlanType } from '@blyan/interface';
import { planDelegate } from './plan-delegate.ts';
import { planDynamic } from './plan-dynamic.ts';
import { planLocal } from './plan-local.ts';
import { isRefusal, type PlanOutcome } from './plan-outcome.ts';
import { planPipeline } from './plan-pipeline.ts';
import { narrowFirst, type PlanInput, type PlanScope, planScope, soundScope } from './plan-scope.ts';

export interface BuildPlanOptions {
  /** Refuse to make a delegate of a node that would have to fetch something first. */
  readonly hostedOnly?: boolean;
  /** Refuse rather than use a node that is to be avoided. */
  readonly soundOnly?: boolean;
}

/**
 * A plan of the given type over the reachable nodes, or why there is none. Nodes of another arithmetic profile are used
 * only when the wanted profile alone does not make a plan; the plan says so. Nodes to be avoided only when there is no
 * plan without them.
 */
export function buildPlan(type: PlanType, input: PlanInput, options: BuildPlanOptions = {}): PlanOutcome {
  const scope = planScope(input);
  if (scope === null) {
    return { refused: 'This node has not announced itself yet; try again.', code: 'no_record', missing: [] };
  }
  // Where blocks come from does not touch the arithmetic, so a local plan may always fetch from every node.
  if (type === 'local') return planLocal(scope);
  let outcome: PlanOutcome | undefined;
  for (const narrow of narrowFirst(options.soundOnly ? soundScope(scope) : scope)) {
    outcome = buildShape(type, narrow, options);
    if (!isRefusal(outcome)) break;
  }
  return outcome as PlanOutcome;
}

function buildShape(type: Exclude<PlanType, 'local'>, scope: PlanScope, options: BuildPlanOptions): PlanOutcome {
  if (type === 'pipeline') return planPipeline(scope);
  return type === 'dynamic' ? planDynamic(scope) : planDelegate(scope, options.hostedOnly);
}
