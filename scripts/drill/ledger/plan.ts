/** Where a gateway dies: what an answer may cost is set aside; its tokens are about to be posted; half of a transaction is written. */
export const FAULT_POINTS = ['after-reserve', 'before-post', 'mid-batch'] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

/** How one life of a gateway ends. */
export interface Plan {
  readonly point: FaultPoint;
  /** When it is reached for that time, from 1. */
  readonly pass: number;
  /** File that is written at the moment of death. */
  readonly mark: string;
}

/** From 0 to 1; a linear congruential generator (Numerical Recipes). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
