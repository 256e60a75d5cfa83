import { ModelError } from './errors.ts';
import { QUANT_BLOCK } from './quantise.ts';
import { SPEC_LIMITS } from './spec.ts';

export const DEFAULT_SLICE_BUDGET_BYTES = 100_000_000;

/** FFN columns [from, to) of one slice of an expert. */
export interface SliceRange {
  readonly from: number;
  readonly to: number;
}

function sliceSize(ffnSize: number, sliceCount: number, quantised: boolean): number {
  const size = Math.ceil(ffnSize / sliceCount);
  return quantised && sliceCount > 1 ? Math.ceil(size / QUANT_BLOCK) * QUANT_BLOCK : size;
}

/**
 * How an expert of `ffnSize` is cut into `sliceCount` blocks: equal parts, the last one smaller when they cannot be;
 * quantised ones start at multiples of the quantisation block, so that no block of weights is split.
 */
export function sliceRanges(ffnSize: number, sliceCount: number, quantised: boolean): SliceRange[] {
  const size = sliceSize(ffnSize, sliceCount, quantised);
  return Array.from({ length: sliceCount }, (_, slice) => ({
    from: slice * size,
    to: Math.min(ffnSize, (slice + 1) * size),
  }));
}

/**
 * The fewest slices whose weights fit in `budgetBytes`. Up to twice that many are used when only they make equal parts.
 * @param bytesPerColumn bytes of gate, up and down for one FFN column, scales included
 * @throws ModelError ERR_MODEL_OPTIONS when not even the thinnest slices fit
 */
export function chooseSliceCount(
  ffnSize: number,
  bytesPerColumn: number,
  budgetBytes: number,
  quantised: boolean,
): number {
  const most = Math.min(SPEC_LIMITS.sliceCount[1], Math.ceil(ffnSize / (quantised ? QUANT_BLOCK : 1)));
  let fewest = 0;
  for (let count = 1; count <= (fewest === 0 ? most : Math.min(most, 2 * fewest)); count++) {
    const size = sliceSize(ffnSize, count, quantised);
    if (size * bytesPerColumn > budgetBytes || (count - 1) * size >= ffnSize) continue;
    if (fewest === 0) fewest = count;
    if (size * count === ffnSize) return count;
  }
  if (fewest > 0) return fewest;
  throw new ModelError('ERR_MODEL_OPTIONS', `A slice budget of ${budgetBytes} bytes is too small for this model.`, {
    meta: { budgetBytes },
  });
}
