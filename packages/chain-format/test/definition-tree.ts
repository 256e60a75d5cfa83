import { toHex } from '@blyan/crypto';
import { nobleSuite, pathBit, type StateProof, stateLeafHash, stateNodeHash, statePath } from '../src/index.ts';

/** A state tree made by its definition, without anything that makes it fast. */
export class DefinitionTree {
  readonly #entries: ReadonlyMap<string, Uint8Array>;

  constructor(entries: Iterable<readonly [string, Uint8Array]>) {
    this.#entries = new Map(entries);
  }

  get root(): string {
    return toHex(this.#under([...this.#entries.keys()], 0));
  }

  prove(key: string): StateProof {
    const path = statePath(key, nobleSuite);
    const siblings: string[] = [];
    let keys = [...this.#entries.keys()];
    for (let depth = 0; keys.length > 1; depth++) {
      const isNear = (k: string) => pathBit(statePath(k, nobleSuite), depth) === pathBit(path, depth);
      const far = keys.filter((k) => !isNear(k));
      siblings.push(toHex(this.#under(far, depth + 1)));
      keys = keys.filter(isNear);
    }
    const found = keys[0];
    if (found === undefined) return { key, value: null, siblings, other: null };
    if (found === key) return { key, value: this.#entries.get(key) ?? null, siblings, other: null };
    const { path: otherPath, valueHash } = this.#leaf(found);
    return { key, value: null, siblings, other: { path: toHex(otherPath), valueHash: toHex(valueHash) } };
  }

  #leaf(key: string): { path: Uint8Array; valueHash: Uint8Array } {
    const value = this.#entries.get(key) as Uint8Array;
    return { path: statePath(key, nobleSuite), valueHash: nobleSuite.sha256(value) };
  }

  #under(keys: readonly string[], depth: number): Uint8Array {
    if (keys.length === 0) return new Uint8Array(32);
    if (keys.length === 1) {
      const { path, valueHash } = this.#leaf(keys[0] as string);
      return stateLeafHash(path, valueHash, nobleSuite);
    }
    const side = (bit: number) => keys.filter((key) => pathBit(statePath(key, nobleSuite), depth) === bit);
    return stateNodeHash(this.#under(side(0), depth + 1), this.#under(side(1), depth + 1), nobleSuite);
  }
}
