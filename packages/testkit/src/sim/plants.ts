import { SIMPLEX_RULES, type SimplexRules } from '@blyan/chain';
import type { SimContext, SimNodeOptions } from './sim-node.ts';

/** A bug put in on purpose, to see that the simulation notices. */
export interface Plant {
  readonly rules?: SimplexRules;
  readonly node?: (context: SimContext) => Partial<SimNodeOptions>;
}

const withRules = (change: Partial<SimplexRules>): Plant => ({ rules: { ...SIMPLEX_RULES, ...change } });

export const PLANTS: Readonly<Record<string, Plant>> = {
  /** A certificate of two thirds, where more than two thirds are needed. */
  'quorum-2f': withRules({ quorum: (set) => SIMPLEX_RULES.quorum(set) - 1 }),
  'finalise-after-dummy': withRules({ mayFinalise: (own) => own.finalise === undefined }),
};
