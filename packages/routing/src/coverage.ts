import { blockMap, type RoutedModel } from './block-map.ts';
import { Holdings } from './holdings.ts';
import type { NodeView } from './node-record.ts';

export interface Coverage {
  readonly covered: boolean;
  /** `embedding`, `trunk:L`, `expert:L.E`, `head`, in the order of the layers. */
  readonly missing: readonly string[];
}

/** Which parts of the model no reachable node hosts. Slices of one expert may lie on different nodes only if one node has all. */
export function coverage(model: RoutedModel, views: readonly NodeView[]): Coverage {
  const holders = views.filter((view) => view.reachable || view.self).map((view) => Holdings.of(view, model));
  const missing = missingParts(model, holders);
  return { covered: missing.length === 0, missing };
}

/** The labels of the parts that none of the holders has. */
export function missingParts(model: RoutedModel, holders: readonly Holdings[]): string[] {
  const { trunks } = blockMap(model);
  const { expertCount } = model.spec;
  const missing: string[] = [];
  if (!holders.some((holdings) => holdings.embedding)) missing.push('embedding');
  for (let layer = 0; layer < trunks.length; layer++) {
    if (!holders.some((holdings) => holdings.trunk(layer))) missing.push(`trunk:${layer}`);
    if (holders.some((holdings) => holdings.allExperts(layer))) continue;
    const held = unionOf(holders, layer, expertCount);
    for (let expert = 0; expert < expertCount; expert++) {
      if (((held[expert >> 5] ?? 0) & (1 << (expert & 31))) === 0) missing.push(`expert:${layer}.${expert}`);
    }
  }
  if (!holders.some((holdings) => holdings.head)) missing.push('head');
  return missing;
}

function unionOf(holders: readonly Holdings[], layer: number, expertCount: number): Int32Array {
  const held = new Int32Array((expertCount + 31) >> 5);
  for (const holdings of holders) {
    const mask = holdings.mask(layer);
    for (let word = 0; word < held.length; word++) held[word] = (held[word] ?? 0) | (mask[word] ?? 0);
  }
  return held;
}

/** The missing parts as one line for a message: the first `shown` labels, then how many more there are. */
export function describeMissing(missing: readonly string[], shown = 12): string {
  const rest = missing.length - shown;
  return rest > 0 ? `${missing.slice(0, shown).join(', ')} and ${rest} more` : missing.join(', ');
}
