import { blockMap, type RoutedModel } from './block-map.ts';
import { checkHostSpec, type FixedHostSpec } from './host-spec.ts';

/**
 * The blocks a host spec names, as ascending indices into the manifest's blocks (`auto` is `autoPlacement`'s work).
 * @throws RoutingError ERR_ROUTING_HOST_SPEC when a range lies outside the model
 */
export function resolveHostSpec(hostSpec: FixedHostSpec, model: Pick<RoutedModel, 'spec' | 'blocks'>): number[] {
  const map = blockMap(model);
  if (hostSpec.kind === 'none') return [];
  if (hostSpec.kind === 'all') return Array.from({ length: map.blockCount }, (_, index) => index);
  checkHostSpec(hostSpec, model.spec);
  const chosen = new Set<number>();
  const addExpert = (layer: number, expert: number) => {
    for (const index of map.experts[layer]?.[expert] ?? []) chosen.add(index);
  };
  for (const item of hostSpec.items) {
    if (item.part === 'embedding' || item.part === 'head') chosen.add(map[item.part]);
    else if (item.part === 'trunk') for (const index of map.trunks) chosen.add(index);
    else if (item.part === 'layers') {
      for (let layer = item.first; layer <= item.last; layer++) {
        chosen.add(map.trunks[layer] as number);
        for (let expert = 0; expert < model.spec.expertCount; expert++) addExpert(layer, expert);
      }
    } else if (item.part === 'experts') {
      const from = item.layer ?? 0;
      const to = item.layer ?? model.spec.layerCount - 1;
      for (let layer = from; layer <= to; layer++) {
        for (let expert = item.first; expert <= item.last; expert++) addExpert(layer, expert);
      }
    }
  }
  return [...chosen].sort((a, b) => a - b);
}
