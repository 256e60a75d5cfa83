import type { StateAnswer } from '@blyan/api';

export type NodeState = StateAnswer['nodes'][number];
export type ModelState = StateAnswer['models'][number];

/** Who hosts the parts of a layer, by peer id. */
export interface LayerCoverage {
  readonly layer: number;
  readonly trunk: readonly string[];
  /** By the number of the expert. */
  readonly experts: readonly (readonly string[])[];
}

export interface Coverage {
  readonly embedding: readonly string[];
  readonly head: readonly string[];
  readonly layers: readonly LayerCoverage[];
  /** Most experts of a layer. */
  readonly expertCount: number;
  /** Nodes that host the part fewest nodes host: 0 where something is missing. */
  readonly least: number;
  /** Parts that so few nodes host. */
  readonly weakest: number;
}

/** Which nodes host what of a model. Layers and experts that nobody hosts are known from what the model misses. */
export function coverageOf(nodes: readonly NodeState[], { root, missing }: ModelState): Coverage {
  const trunks = new Map<number, string[]>();
  const experts = new Map<number, Map<number, string[]>>();
  const [embedding, head]: [string[], string[]] = [[], []];
  const expert = (label: string): string[] => {
    const [layer = 0, index = 0] = label.split('.').map(Number);
    const row = entry(experts, layer, () => new Map<number, string[]>());
    return entry(row, index, () => []);
  };
  for (const { peerId, hosted } of nodes) {
    if (hosted.root !== root) continue;
    if (hosted.embedding) embedding.push(peerId);
    if (hosted.head) head.push(peerId);
    for (const layer of hosted.layers) entry(trunks, layer, () => []).push(peerId);
    for (const label of hosted.experts) expert(label).push(peerId);
  }
  for (const label of missing) {
    const [kind = '', name = ''] = label.split(':');
    if (kind === 'trunk') entry(trunks, Number(name), () => []);
    if (kind === 'expert') expert(name);
  }
  const layerCount = 1 + Math.max(-1, ...trunks.keys(), ...experts.keys());
  const layers = Array.from({ length: layerCount }, (_, layer) => {
    const row = experts.get(layer);
    const count = row === undefined ? 0 : 1 + Math.max(...row.keys());
    return {
      layer,
      trunk: trunks.get(layer) ?? [],
      experts: Array.from({ length: count }, (_, at) => row?.get(at) ?? []),
    };
  });
  const parts = layers.flatMap(({ trunk, experts: own }) => [trunk, ...own]);
  const counts = [...(layerCount > 0 ? [embedding, head] : []), ...parts].map((holders) => holders.length);
  const least = counts.length === 0 ? 0 : Math.min(...counts);
  return {
    ...{ embedding, head, layers, least },
    expertCount: Math.max(0, ...layers.map((layer) => layer.experts.length)),
    weakest: counts.filter((count) => count === least).length,
  };
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
