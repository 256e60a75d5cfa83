/** The value below which a share of the samples lies (nearest rank). @param share 0 to 1 */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.max(0, Math.ceil(share * sorted.length) - 1);
  return sorted[rank] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** Lowest and highest. */
export function rangeOf(samples: readonly number[]): [number, number] {
  return [Math.min(...samples), Math.max(...samples)];
}

/** Times of rounds: the shortest, which others on the machine disturbed least. */
export function shortest(samples: readonly number[]): number {
  return Math.min(...samples);
}
