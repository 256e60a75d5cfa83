import { hasBit } from './bitmap.ts';
import { type BlockMap, blockMap, type RoutedModel } from './block-map.ts';
import type { NodeView } from './node-record.ts';

const NOTHING = new Uint8Array(0);
/** By bitmap: a record's bitmap serves every plan made until the next record comes. */
const remembered = new WeakMap<Uint8Array, Holdings>();

/** The parts of one model that one node hosts. An expert counts only with all its slices. The bitmap must not change. */
export class Holdings {
  readonly map: BlockMap;
  readonly bitmap: Uint8Array;
  readonly #experts = new Map<number, { held: readonly boolean[]; count: number }>();

  constructor(map: BlockMap, bitmap: Uint8Array) {
    this.map = map;
    this.bitmap = bitmap;
  }

  static of(view: Pick<NodeView, 'models'>, model: RoutedModel): Holdings {
    const bitmap = view.models.find((candidate) => candidate.root === model.root)?.blocks ?? NOTHING;
    const map = blockMap(model);
    const known = remembered.get(bitmap);
    if (known?.map === map) return known;
    const holdings = new Holdings(map, bitmap);
    remembered.set(bitmap, holdings);
    return holdings;
  }

  get embedding(): boolean {
    return hasBit(this.bitmap, this.map.embedding);
  }

  get head(): boolean {
    return hasBit(this.bitmap, this.map.head);
  }

  trunk(layer: number): boolean {
    const index = this.map.trunks[layer];
    return index !== undefined && hasBit(this.bitmap, index);
  }

  trunks(firstLayer: number, lastLayer: number): boolean {
    for (let layer = firstLayer; layer <= lastLayer; layer++) if (!this.trunk(layer)) return false;
    return true;
  }

  expert(layer: number, expert: number): boolean {
    return this.#layer(layer).held[expert] ?? false;
  }

  /** How many experts of the layer the node holds. */
  expertCount(layer: number): number {
    return this.#layer(layer).count;
  }

  allExperts(layer: number): boolean {
    return this.#layer(layer).count === (this.map.experts[layer]?.length ?? 0);
  }

  #layer(layer: number) {
    const known = this.#experts.get(layer);
    if (known !== undefined) return known;
    const experts = this.map.experts[layer] ?? [];
    const held = experts.map((slices) => slices.every((index) => hasBit(this.bitmap, index)));
    const entry = { held, count: held.filter(Boolean).length };
    if (experts.length > 0) this.#experts.set(layer, entry);
    return entry;
  }
}
