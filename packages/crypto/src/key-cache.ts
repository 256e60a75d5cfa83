import { createPublicKey, type KeyObject } from 'node:crypto';
import { toHex } from './hex.ts';

const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
/** About 700 bytes each outside the heap. */
const MAX_KEYS = 8_192;

/**
 * The newest used public keys as OpenSSL has them: making one takes 27 of the 100 µs of a verification. Once full, the one
 * that was not used for longest makes room.
 */
export class KeyCache {
  readonly #keys = new Map<string, KeyObject>();
  readonly #maxKeys: number;

  constructor(maxKeys = MAX_KEYS) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** @param publicKey - 32 bytes; throws OpenSSL's error where it refuses them */
  keyOf(publicKey: Uint8Array): KeyObject {
    const name = toHex(publicKey);
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
      const [oldest] = this.#keys.keys();
      if (this.#keys.size >= this.#maxKeys && oldest !== undefined) this.#keys.delete(oldest);
    } else {
      this.#keys.delete(name);
    }
    this.#keys.set(name, key);
    return key;
  }
}
