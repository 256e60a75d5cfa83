import type { NodeState } from '@blyan/interface';
import { indicesOf } from './bitmap.ts';
import { blockMap, type RoutedModel } from './block-map.ts';
import { Holdings } from './holdings.ts';

/** What a bitmap says its node hosts: layers whose trunk it has, whole experts as `L.E`, and the number of blocks. */
export function formatHostedBlocks(
  bitmap: Uint8Array,
  model: Pick<RoutedModel, 'spec' | 'blocks'>,
): Omit<NodeState['hosted'], 'root'> {
  const map = blockMap(model);
  const holdings = new Holdings(map, bitmap);
  const experts = map.experts.flatMap((layer, l) =>
    layer.flatMap((_, e) => (holdings.expert(l, e) ? [`${l}.${e}`] : [])),
  );
  return {
    layers: map.trunks.flatMap((_, layer) => (holdings.trunk(layer) ? [layer] : [])),
    experts,
    embedding: holdings.embedding,
    head: holdings.head,
    blocks: indicesOf(bitmap, map.blockCount).length,
  };
}
