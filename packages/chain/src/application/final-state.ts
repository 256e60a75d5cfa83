import type { Hash, KeyValueReader } from '@blyan/interface';
import type { StateOverlay } from '../state/state-overlay.ts';
import type { StateReader } from '../state/state-reader.ts';
import { StoredState } from '../state/stored-state.ts';

/** A state that stands on another block's. */
interface Standing {
  readonly parent: Hash;
  readonly state: StateOverlay;
}

interface Layer {
  readonly hash: Hash;
  readonly height: number;
  readonly state: StateOverlay;
}

/**
 * The state at the head. A block becomes final when its writes are returned, and the store holds them a little later: until
 * then its changes stay in memory.
 */
export class FinalState {
  readonly #stored: StoredState;
  #layers: Layer[] = [];

  constructor(store: KeyValueReader) {
    this.#stored = new StoredState(store);
  }

  get top(): StateReader {
    return this.#layers.at(-1)?.state ?? this.#stored;
  }

  push(layer: Layer): void {
    this.#layers.push(layer);
  }

  /** Lets go of what the store holds by now; `standing` are the states on top of blocks. */
  settle(storedHeight: () => number, standing: Iterable<Standing>): void {
    if (this.#layers.length === 0) return;
    const height = storedHeight();
    while (this.#layers[0] !== undefined && this.#layers[0].height <= height) {
      const { hash, state } = this.#layers.shift() as Layer;
      this.#stored.absorb(state);
      this.#layers[0]?.state.rebase(this.#stored);
      for (const { parent, state: above } of standing) if (parent === hash) above.rebase(this.#stored);
    }
  }
}
