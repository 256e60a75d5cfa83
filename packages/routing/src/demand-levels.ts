import { blockMap, type RoutedModel } from './block-map.ts';
import { Holdings } from './holdings.ts';

const MAX_LEVEL = 15;
/** Most experts whose demand a record tells; a node with more keeps silent about it. */
const MAX_TOLD = 16_384;

/** 0: less than one row a minute; n: about 2^(n-1) rows a minute, at most 2^14. */
function levelOf(rowsPerMinute: number): number {
  return rowsPerMinute < 1 ? 0 : Math.min(MAX_LEVEL, Math.round(Math.log2(rowsPerMinute)) + 1);
}

const rowsOf = (level: number): number => (level === 0 ? 0 : 2 ** (level - 1));

/**
 * What a node tells of the demand for the experts it hosts: four bits each, in the order of layers and experts, the
 * lower half of a byte first. Undefined when there is none, or too much to tell.
 *
 * @param rowsPerMinute [layer * experts + expert], rows this node computed
 */
export function demandLevels(
  bitmap: Uint8Array,
  model: Pick<RoutedModel, 'spec' | 'blocks'>,
  rowsPerMinute: Float64Array,
): Uint8Array | undefined {
  const hosted = hostedSlots(new Holdings(blockMap(model), bitmap), model);
  if (hosted.length > MAX_TOLD || hosted.every((slot) => (rowsPerMinute[slot] ?? 0) < 1)) return undefined;
  const levels = new Uint8Array((hosted.length + 1) >> 1);
  hosted.forEach((slot, i) => {
    levels[i >> 1] = (levels[i >> 1] ?? 0) | (levelOf(rowsPerMinute[slot] ?? 0) << ((i & 1) * 4));
  });
  return levels;
}

/** Adds what a node tells to `into`, [layer * experts + expert] rows a minute; levels it left out count as 0. */
export function addDemand(
  levels: Uint8Array,
  holdings: Holdings,
  model: Pick<RoutedModel, 'spec' | 'blocks'>,
  into: Float64Array,
): void {
  hostedSlots(holdings, model).forEach((slot, i) => {
    into[slot] = (into[slot] ?? 0) + rowsOf(((levels[i >> 1] ?? 0) >> ((i & 1) * 4)) & MAX_LEVEL);
  });
}

function hostedSlots(holdings: Holdings, { spec }: Pick<RoutedModel, 'spec'>): number[] {
  const slots: number[] = [];
  for (let layer = 0; layer < spec.layerCount; layer++) {
    for (let expert = 0; expert < spec.expertCount; expert++) {
      if (holdings.expert(layer, expert)) slots.push(layer * spec.expertCount + expert);
    }
  }
  return slots;
}
