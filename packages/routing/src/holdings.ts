import { bitCount, cut, hasBit } from './bitmap.ts';
import { type BlockMap, blockMap, type RoutedModel } from './block-map.ts';
import type { NodeView } from './node-record.ts';

const NOTHING = new Uint8Array(0);
/** By bitmap: a record's bitmap serves every plan made until the next record comes. */
const remembered = new WeakMap<Uint8Array, Holdings>();

/** The parts of one model that one node hosts. An expert counts only with all its slices. The bitmap must not change. */
export class Holdings {
  readonly map: BlockMap;
  readonly bitmap: Uint8Array;
  readonly #layers: HeldExperts[] = [];

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
    return ((this.mask(layer)[expert >> 5] ?? 0) & (1 << (expert & 31))) !== 0;
  }

  /** How many experts of the layer the node holds. */
  expertCount(layer: number): number {
    return this.#layer(layer).count;
  }

  allExperts(layer: number): boolean {
    return this.#layer(layer).count === (this.map.experts[layer]?.length ?? 0);
  }

  /** The experts of the layer that the node holds: bit `e & 31` of word `e >> 5`. */
  mask(layer: number): Int32Array {
    return this.#layer(layer).mask;
  }

  #layer(layer: number): HeldExperts {
    const known = this.#layers[layer];
    if (known !== undefined) return known;
    const experts = this.map.experts[layer];
    if (experts === undefined) return NO_EXPERTS;
    const run = this.map.runs[layer] ?? -1;
    const mask = run < 0 ? maskOf(experts, this.bitmap) : cut(this.bitmap, run, experts.length);
    const entry = { mask, count: mask.reduce((sum, word) => sum + bitCount(word), 0) };
    this.#layers[layer] = entry;
    return entry;
  }
}

interface HeldExperts {
  readonly mask: Int32Array;
  readonly count: number;
}

const NO_EXPERTS: HeldExperts = { mask: new Int32Array(0), count: 0 };

function maskOf(experts: readonly (readonly number[])[], bitmap: Uint8Array): Int32Array {
  const mask = new Int32Array((experts.length + 31) >> 5);
  experts.forEach((slices, expert) => {
    if (!slices.every((index) => hasBit(bitmap, index))) return;
    mask[expert >> 5] = (mask[expert >> 5] ?? 0) | (1 << (expert & 31));
  });
  return mask;
}
