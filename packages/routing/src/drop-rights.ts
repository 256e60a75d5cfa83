import type { PeerId } from '@blyan/interface';
import type { RoutedModel } from './block-map.ts';
import { Holdings } from './holdings.ts';
import type { NodeView } from './node-record.ts';

/**
 * Who may give something up in a round: of the nodes that place themselves and hold something of a layer, the one that
 * the round draws for it (rendezvous hashing). Nodes that know the same records agree without a word, so that not two
 * give up the same part at once, each relying on the other.
 */
export class DropRights {
  readonly #model: RoutedModel;
  readonly #round: number;
  readonly #movers: { readonly peerId: PeerId; readonly holdings: Holdings }[];
  readonly #drawn = new Map<number | null, PeerId | undefined>();

  constructor(model: RoutedModel, views: readonly NodeView[], round: number) {
    this.#model = model;
    this.#round = round;
    this.#movers = views
      .filter(({ host }) => host === 'auto')
      .map((view) => ({ peerId: view.peerId, holdings: Holdings.of(view, model) }));
  }

  /** @param layer null: embedding and head */
  has(peerId: PeerId, layer: number | null): boolean {
    if (!this.#drawn.has(layer)) this.#drawn.set(layer, this.#draw(layer));
    return this.#drawn.get(layer) === peerId;
  }

  #draw(layer: number | null): PeerId | undefined {
    const holds = ({ holdings }: { holdings: Holdings }) =>
      layer === null ? holdings.embedding || holdings.head : holdings.trunk(layer) || holdings.expertCount(layer) > 0;
    const drawn = this.#movers
      .filter(holds)
      .map(({ peerId }) => ({ peerId, key: hashOf(`${this.#model.root} ${this.#round} ${layer} ${peerId}`) }))
      .sort((a, b) => a.key - b.key || (a.peerId < b.peerId ? -1 : 1));
    return drawn[0]?.peerId;
  }
}

/** 32 bits that look random (FNV-1a with a final mix); nothing secret depends on them. */
export function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
