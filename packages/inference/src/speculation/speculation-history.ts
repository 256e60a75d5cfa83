import { Acceptance } from './acceptance.ts';
import { CostCurve } from './cost-curve.ts';
import { TimeAccount } from './time-account.ts';

const HORIZON_MS = 600_000;

/**
 * What answers on one model and plan type teach the next ones: how often drafts come true, what windows cost in plain
 * steps, what speculation lost. Of fixed size; keep one per (model root, plan type) and share it between answers.
 */
export class SpeculationHistory {
  readonly acceptance = new Acceptance();
  /** The same of first drafts that were fed: what is chosen may do worse than what could have been. */
  readonly fed = new Acceptance();
  /** From feeding a window to its result, nothing else on its way. */
  readonly latency = new CostCurve(1);
  /** Between the results of windows that follow each other closely. */
  readonly interval = new CostCurve(null);
  readonly account = new TimeAccount(HORIZON_MS);
  #plainSteps = 0;

  get plainSteps(): number {
    return this.#plainSteps;
  }

  countPlainStep(): void {
    this.#plainSteps++;
  }
}
