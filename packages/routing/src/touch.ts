/** A group of a layer's experts that one holder answers for. */
export interface ExpertGroup {
  /** How many of the layer's experts. */
  readonly count: number;
  /** Their share of the choices of the gate, 0 to 1; `count / total` when nothing is known. */
  readonly share: number;
}

/** How a layer's gate draws its experts. */
export interface Gate {
  readonly total: number;
  readonly chosen: number;
  /** The shares of groups are observed; otherwise every set of `chosen` experts is equally likely. */
  readonly observed: boolean;
}

/**
 * The probability that one token chooses none of a group. Exact (hypergeometric) for an even gate; with observed
 * shares the draws are taken as independent.
 */
export function probabilityUntouched(gate: Gate, group: ExpertGroup): number {
  if (gate.observed) return Math.max(0, 1 - group.share) ** gate.chosen;
  let probability = 1;
  for (let i = 0; i < gate.chosen; i++) probability *= Math.max(0, gate.total - group.count - i) / (gate.total - i);
  return probability;
}

/**
 * For groups from slowest to fastest, the probability of each to be the slowest one that a token touches; what is
 * missing to 1 is the probability that it touches none.
 */
export function slowestTouched(gate: Gate, groups: readonly ExpertGroup[]): number[] {
  let count = 0;
  let share = 0;
  let untouched = 1;
  return groups.map((group) => {
    count += group.count;
    share += group.share;
    const next = probabilityUntouched(gate, { count, share });
    const probability = untouched - next;
    untouched = next;
    return probability;
  });
}
