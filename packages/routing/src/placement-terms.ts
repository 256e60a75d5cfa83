import { blockMap, type RoutedModel } from './block-map.ts';
import type { ExpertDemand } from './expert-demand.ts';

/** A whole layer on one node saves the calls for its experts; two neighbouring ones save a hop; of what they weigh. */
const LAYER_WEIGHT = 0.5;
const NEIGHBOUR_WEIGHT = 0.25;
const PAIR_WEIGHT = 0.5;

/** A part of the model that is hosted as a whole: embedding, trunk, expert with all its slices, head. */
export interface PlacementUnit {
  readonly blocks: readonly number[];
  readonly bytes: number;
  /** Bytes x the chance that a token needs it. */
  readonly weight: number;
  /** Null: embedding and head. */
  readonly layer: number | null;
}

/** Units that are worth having together on one node. */
export interface PlacementGroup {
  readonly units: readonly number[];
  readonly weight: number;
  /** The layer all its units are of; null for neighbouring layers. */
  readonly layer: number | null;
}

/**
 * What a placement is judged by: the sum of weight / replicas over units and groups, a replica of a group being a node
 * that has all of it. Units make hot parts want more replicas (in proportion to the root of their demand per byte);
 * groups keep layers whole, neighbours together, and experts that answers use together on one node.
 */
export interface PlacementTerms {
  readonly units: readonly PlacementUnit[];
  readonly groups: readonly PlacementGroup[];
  /** [unit] -> groups it belongs to. */
  readonly groupsOf: readonly (readonly number[])[];
  /** Weight per byte of the model. */
  readonly meanDensity: number;
}

export function placementTerms(model: RoutedModel, demand: ExpertDemand): PlacementTerms {
  const map = blockMap(model);
  const { expertCount } = model.spec;
  const units: PlacementUnit[] = [];
  const groups: PlacementGroup[] = [];
  const addUnit = (blocks: readonly number[], touch: number, layer: number | null): number => {
    const bytes = blocks.reduce((sum, block) => sum + (model.blocks[block]?.byteLength ?? 0), 0);
    return units.push({ blocks, bytes, weight: bytes * touch, layer }) - 1;
  };
  const weightOf = (unit: number): number => units[unit]?.weight ?? 0;
  // Of the embedding a token needs a row; it is counted as an average expert.
  addUnit([map.embedding], model.spec.expertsPerToken / expertCount, null);
  addUnit([map.head], 1, null);
  const layers = map.trunks.map((trunk, layer) => {
    const experts = map.experts[layer] ?? [];
    const first = addUnit([trunk], 1, layer);
    experts.forEach((slices, expert) => {
      addUnit(slices, demand.touch[layer * expertCount + expert] ?? 0, layer);
    });
    const own = Array.from({ length: experts.length + 1 }, (_, i) => first + i);
    return { first, units: own, weight: own.reduce((sum, unit) => sum + weightOf(unit), 0) };
  });
  layers.forEach((own, layer) => {
    groups.push({ units: own.units, weight: LAYER_WEIGHT * own.weight, layer });
    const next = layers[layer + 1];
    if (next === undefined) return;
    const weight = NEIGHBOUR_WEIGHT * Math.min(own.weight, next.weight);
    groups.push({ units: [...own.units, ...next.units], weight, layer: null });
  });
  for (const { layer, a, b, share } of demand.pairs) {
    const first = (layers[layer]?.first ?? 0) + 1;
    const pair = [first + a, first + b];
    groups.push({ units: pair, weight: PAIR_WEIGHT * share * Math.min(...pair.map(weightOf)), layer });
  }
  const groupsOf = units.map((): number[] => []);
  groups.forEach((group, i) => {
    for (const unit of group.units) groupsOf[unit]?.push(i);
  });
  const total = (of: (unit: PlacementUnit) => number) => units.reduce((sum, unit) => sum + of(unit), 0);
  return { units, groups, groupsOf, meanDensity: total(({ weight }) => weight) / total(({ bytes }) => bytes) };
}
