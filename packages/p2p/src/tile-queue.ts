/** A tile asked from too many peers at once only costs bandwidth. */
const MAX_ASKED_TWICE = 2;

interface TileState {
  /** Peers it is being asked from, each with the way to stop asking. */
  readonly asked: Map<string, AbortController>;
}

/**
 * Which tiles are still to be asked for. When all are under way, an idle peer is given one that another has not
 * delivered yet, so that one slow peer does not hold up the end.
 */
export class TileQueue {
  readonly #open = new Map<number, TileState>();

  constructor(tiles: Iterable<number>) {
    for (const tile of tiles) this.#open.set(tile, { asked: new Map() });
  }

  /** Tiles not yet delivered. */
  get remaining(): number {
    return this.#open.size;
  }

  /** The next tile this peer should be asked for, null when there is none for it now. */
  take(peerId: string): { readonly tile: number; readonly signal: AbortSignal } | null {
    let second: number | null = null;
    for (const [tile, { asked }] of this.#open) {
      if (asked.size === 0) return this.#ask(tile, peerId);
      if (second === null && asked.size < MAX_ASKED_TWICE && !asked.has(peerId)) second = tile;
    }
    return second === null ? null : this.#ask(second, peerId);
  }

  /** A verified tile arrived; whoever else was asked for it is told to stop. False when it had arrived before. */
  deliver(tile: number, peerId: string): boolean {
    const state = this.#open.get(tile);
    if (state === undefined) return false;
    this.#open.delete(tile);
    for (const [other, controller] of state.asked) if (other !== peerId) controller.abort();
    return true;
  }

  /** The peer did not deliver: others may be asked. */
  giveBack(tile: number, peerId: string): void {
    this.#open.get(tile)?.asked.delete(peerId);
  }

  #ask(tile: number, peerId: string): { tile: number; signal: AbortSignal } {
    const controller = new AbortController();
    this.#open.get(tile)?.asked.set(peerId, controller);
    return { tile, signal: controller.signal };
  }
}
