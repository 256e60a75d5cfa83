import { hasBit } from './bitmap.ts';
import { blockMap, type RoutedModel } from './block-map.ts';
import { type ExpertDemand, evenDemand } from './expert-demand.ts';
import type { NodeView } from './node-record.ts';

export interface AutoPlacementOptions {
  /** Even unless given. */
  readonly demand?: ExpertDemand;
  /** Where to begin among equals, a non-negative integer: nodes that join at one time then do not all choose the same. */
  readonly salt?: number;
}

/**
 * What a node that may host anything should host: first what nobody else hosts, layer by layer, of a layer the trunk and
 * then what is asked for most; then the contiguous layers with the fewest replicas (the window whose ascending replica
 * counts are smallest, so that its weakest layer is the network's weakest); then single blocks, those whose next replica
 * serves most demand first. Deterministic; this node's own present holdings do not count.
 *
 * @param capacityBytes bound on the sum of the chosen blocks' bytes
 * @returns ascending indices into the manifest's blocks
 */
export function autoPlacement(
  views: readonly NodeView[],
  model: RoutedModel,
  capacityBytes: number,
  { demand = evenDemand(model.spec), salt = 0 }: AutoPlacementOptions = {},
): number[] {
  const map = blockMap(model);
  const replicas = countReplicas(views, model);
  const chosen = new Set<number>();
  let room = capacityBytes;
  const take = (index: number) => {
    const bytes = model.blocks[index]?.byteLength ?? 0;
    if (chosen.has(index) || bytes > room) return;
    chosen.add(index);
    room -= bytes;
  };

  const touch = (layer: number, expert: number) => demand.touch[layer * model.spec.expertCount + expert] ?? 0;
  const layers = map.trunks.map((trunk, layer) => {
    const hottestFirst = (map.experts[layer] ?? []).map((slices, expert) => ({ slices, heat: touch(layer, expert) }));
    hottestFirst.sort((a, b) => b.heat - a.heat);
    return [trunk, ...hottestFirst.flatMap(({ slices }) => slices)];
  });
  for (const index of [map.embedding, ...layers.flat(), map.head]) if (replicas[index] === 0) take(index);
  const cost = layers.map((indices) =>
    indices.reduce((sum, index) => sum + (chosen.has(index) ? 0 : (model.blocks[index]?.byteLength ?? 0)), 0),
  );
  const weakest = layers.map((indices) =>
    indices.reduce((least, index) => (chosen.has(index) ? least : Math.min(least, replicas[index] ?? 0)), Infinity),
  );
  for (const layer of weakestWindow(cost, weakest, room, salt)) for (const index of layers[layer] ?? []) take(index);
  const rest = replicas.map((_, index) => index).filter((index) => !chosen.has(index));
  const worth = rest.map((index) => {
    const { layer = 0, expert } = model.blocks[index] ?? {};
    const count = replicas[index] ?? 0;
    return [index, (expert === undefined ? 1 : touch(layer, expert)) / (count * (count + 1))] as const;
  });
  const worthOf = new Map(worth);
  const place = (index: number) => (index + salt) % replicas.length;
  rest.sort((a, b) => (worthOf.get(b) ?? 0) - (worthOf.get(a) ?? 0) || place(a) - place(b));
  for (const index of rest) take(index);
  return [...chosen].sort((a, b) => a - b);
}

function countReplicas(views: readonly NodeView[], model: RoutedModel): number[] {
  const replicas = new Array<number>(model.blocks.length).fill(0);
  for (const view of views) {
    const hosted = view.self ? undefined : view.models.find((candidate) => candidate.root === model.root);
    if (hosted === undefined) continue;
    for (let index = 0; index < replicas.length; index++) {
      if (hasBit(hosted.blocks, index)) replicas[index] = (replicas[index] ?? 0) + 1;
    }
  }
  return replicas;
}

/** The layers of the affordable window with the lexicographically smallest ascending counts; longer wins a tie. */
function weakestWindow(cost: readonly number[], counts: readonly number[], room: number, salt: number): number[] {
  let best: { layers: number[]; sorted: number[] } | null = null;
  for (let i = 0; i < cost.length; i++) {
    const start = (i + salt) % cost.length;
    const layers: number[] = [];
    let bytes = 0;
    for (let layer = start; layer < cost.length && bytes + (cost[layer] ?? 0) <= room; layer++) {
      bytes += cost[layer] ?? 0;
      layers.push(layer);
    }
    // A layer taken already costs nothing and says nothing about the window.
    const sorted = layers.flatMap((layer) => (cost[layer] === 0 ? [] : (counts[layer] ?? 0))).sort((a, b) => a - b);
    if (sorted.length > 0 && (best === null || compareCounts(sorted, best.sorted) < 0)) best = { layers, sorted };
  }
  return best?.layers ?? [];
}

function compareCounts(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return b.length - a.length;
}
