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
  const missing = missingParts(model, (test) => holders.some(test));
  return { covered: missing.length === 0, missing };
}

/** The labels of the parts for which `held` is false when asked whether some node passes the test. */
export function missingParts(model: RoutedModel, held: (test: (holdings: Holdings) => boolean) => boolean): string[] {
  const map = blockMap(model);
  const missing: string[] = [];
  if (!held((holdings) => holdings.embedding)) missing.push('embedding');
  for (let layer = 0; layer < map.trunks.length; layer++) {
    if (!held((holdings) => holdings.trunk(layer))) missing.push(`trunk:${layer}`);
    for (let expert = 0; expert < model.spec.expertCount; expert++) {
      if (!held((holdings) => holdings.expert(layer, expert))) missing.push(`expert:${layer}.${expert}`);
    }
  }
  if (!held((holdings) => holdings.head)) missing.push('head');
  return missing;
}

/** The missing parts as one line for a message: the first `shown` labels, then how many more there are. */
export function describeMissing(missing: readonly string[], shown = 12): string {
  const rest = missing.length - shown;
  return rest > 0 ? `${missing.slice(0, shown).join(', ')} and ${rest} more` : missing.join(', ');
}
