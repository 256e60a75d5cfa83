import { describeMissing } from './coverage.ts';
import type { Plan } from './plan.ts';

export type RefusalCode = 'not_covered' | 'not_hosted' | 'no_record' | 'no_node';

/** Why there is no plan: an expected outcome. */
export interface Refusal {
  /** A sentence for the caller. */
  readonly refused: string;
  readonly code: RefusalCode;
  /** Labels of the missing parts (`trunk:3`, `expert:2.5`). */
  readonly missing: readonly string[];
}

export interface PlanFound {
  readonly plan: Plan;
  /** Blocks (indices into the manifest) that the executing node lacks and must fetch and verify first. */
  readonly fetch: readonly number[];
}

export type PlanOutcome = PlanFound | Refusal;

export function isRefusal(outcome: PlanOutcome): outcome is Refusal {
  return 'refused' in outcome;
}

/** No reachable node hosts these parts. */
export function notCovered(missing: readonly string[]): Refusal {
  const refused = `No reachable node hosts ${describeMissing(missing)}; start a node that does.`;
  return { refused, code: 'not_covered', missing };
}

/** The node that would compute this shape lacks these parts, and the shape does not fetch them. */
export function notHosted(what: string, missing: readonly string[]): Refusal {
  return { refused: `${what} lacks ${describeMissing(missing)}; choose another plan.`, code: 'not_hosted', missing };
}
