/** The experts chosen for each row of a step and their weights. */
export interface GateChoice {
  /** [rows * k] expert ids, ascending within a row. */
  readonly experts: Uint16Array;
  /** [rows * k] weights, in the order of `experts`. */
  readonly weights: Float32Array;
}

/**
 * Softmax over all experts, the k largest (ties: lower id), divided by their sum when the model says so. Experts of a
 * row are listed by id, which is also the order in which their outputs are summed.
 * @param logits [rows * stride] of which the first `expertCount` of each row are experts
 */
export function chooseExperts(
  logits: Float32Array,
  rows: number,
  stride: number,
  expertCount: number,
  k: number,
  normalise: boolean,
): GateChoice {
  const experts = new Uint16Array(rows * k);
  const weights = new Float32Array(rows * k);
  const probability = new Float64Array(expertCount);
  const taken = new Uint8Array(expertCount);
  for (let row = 0; row < rows; row++) {
    const at = row * stride;
    let largest = Number.NEGATIVE_INFINITY;
    for (let e = 0; e < expertCount; e++) largest = Math.max(largest, logits[at + e] as number);
    let sum = 0;
    for (let e = 0; e < expertCount; e++) {
      const p = Math.exp((logits[at + e] as number) - largest);
      probability[e] = p;
      sum += p;
    }
    for (let slot = 0; slot < k; slot++) {
      let best = -1;
      for (let e = 0; e < expertCount; e++) {
        if (taken[e] === 1) continue;
        if (best < 0 || (logits[at + e] as number) > (logits[at + best] as number)) best = e;
      }
      taken[best] = 1;
    }
    let kept = 0;
    for (let e = 0; e < expertCount; e++) if (taken[e] === 1) kept += probability[e] as number;
    const divisor = normalise ? kept : sum;
    let slot = row * k;
    for (let e = 0; e < expertCount; e++) {
      if (taken[e] !== 1) continue;
      experts[slot] = e;
      weights[slot++] = (probability[e] as number) / divisor;
    }
    taken.fill(0);
  }
  return { experts, weights };
}
