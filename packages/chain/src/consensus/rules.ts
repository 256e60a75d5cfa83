import { quorumWeight, type Validator, type ValidatorSet, type Vote } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import type { SimplexState, ViewState } from './state.ts';

/** The rules that safety and liveness hang on, apart so that each can be read, tested, and broken on purpose. */
export interface SimplexRules {
  /** The least weight of a certificate. */
  quorum(set: ValidatorSet): number;
  /** Weight of votes for one ballot. */
  weight(votes: readonly Vote[], set: ValidatorSet): number;
  /** Whether this node, having cast `own` in a view, may vote `finalise` for the block notarised in it. */
  mayFinalise(own: OwnVotes): boolean;
  /** Whether this node, having cast `own` in a view, may give it up. */
  mayDummy(own: OwnVotes): boolean;
  /** Whether this node, having cast `own` in a view, may vote `notarise` for a block of it. */
  mayNotarise(own: OwnVotes): boolean;
  /** Whether a block may stand on `parent` in a view. */
  justify(state: SimplexState, parent: Hash, view: number): Justification;
}

/** What this node voted in one view. */
export interface OwnVotes {
  readonly notarise: Vote | undefined;
  readonly dummy: Vote | undefined;
  readonly finalise: Vote | undefined;
}

/** The view in which the parent was notarised, or the latest view whose certificate is missing for the block to stand. */
export type Justification = { readonly parentView: number } | { readonly missing: number };

export const SIMPLEX_RULES: SimplexRules = {
  quorum: quorumWeight,
  weight(votes, set) {
    const voters = new Set(votes.map(({ validator }) => validator));
    let sum = 0;
    for (const voter of voters) sum += (set[voter] as Validator).weight;
    return sum;
  },
  mayFinalise: (own) => own.dummy === undefined && own.finalise === undefined,
  mayDummy: (own) => own.finalise === undefined && own.dummy === undefined,
  mayNotarise: (own) => own.notarise === undefined,
  justify(state, parent, view) {
    for (let earlier = view - 1; earlier > state.base.view; earlier--) {
      const found = state.views.get(earlier);
      if (found !== undefined && certifiedBlock(found) === parent) return { parentView: earlier };
      if (found?.certificates.dummy == null) return { missing: earlier };
    }
    return parent === state.base.hash ? { parentView: state.base.view } : { missing: state.base.view };
  },
};

/** The block that a quorum notarised in a view, as far as is known: what a quorum finalises was notarised. */
export function certifiedBlock({ certificates }: ViewState): Hash | null {
  return certificates.notarise?.block ?? certificates.finalise?.block ?? null;
}
