import type { SpeculationChoice } from '@blyan/interface';
import { NgramDrafter } from './ngram-drafter.ts';
import type { SpeculationHistory } from './speculation-history.ts';
import { SpeculationRouter } from './speculation-router.ts';
import type { VerifyWindowsOptions } from './verify-windows.ts';

export { SpeculationHistory } from './speculation-history.ts';
export { VerifyWindows } from './verify-windows.ts';

/** How one answer drafts: not at all, where it is measured to pay, or wherever the context has an idea. */
export function speculate(
  choice: SpeculationChoice,
  history: () => SpeculationHistory,
): VerifyWindowsOptions['speculation'] {
  if (choice === 'off') return undefined;
  return { drafter: new NgramDrafter(), policy: new SpeculationRouter(history(), { always: choice === 'ngram' }) };
}
