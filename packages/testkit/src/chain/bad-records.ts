import { encodeRecord, type RecordFields, signRecord } from '@blyan/chain-format';
import { publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import type { NetworkId } from '@blyan/interface';

/** A record that no chain takes. */
export interface BadRecord {
  readonly what: string;
  readonly bytes: Uint8Array;
  /** `ignore`: an honest sender may not know. */
  readonly verdict: 'ignore' | 'reject';
  readonly code: string;
}

const TOO_LONG_BYTES = 4 * 1024 * 1024 + 1;
/** Neutral element of the curve: everybody can sign for it. */
const SMALL_ORDER_KEY = `01${'00'.repeat(31)}`;

/**
 * One record of each bad kind, by an author without money. `first` has to be final before they are offered, and `waiting` to
 * wait, which it does for want of the record before it.
 */
export class BadRecords {
  readonly author: string;
  readonly first: Uint8Array;
  readonly waiting: Uint8Array;
  readonly all: readonly BadRecord[];
  readonly #network: NetworkId;
  readonly #seed: Uint8Array;

  constructor(network: NetworkId, seed: Uint8Array) {
    this.#network = network;
    this.#seed = seed;
    this.author = toHex(publicKeyOf(seed));
    this.first = this.#encode({ nonce: 0 });
    this.waiting = this.#encode({ nonce: 2 });
    const unsigned = { ...this.#sign({ nonce: 1 }), signature: this.#sign({ nonce: 3 }).signature };
    const transfer = { lane: 'C', type: 'transfer', body: { to: new Uint8Array(32).fill(9), amount: 1 } } as const;
    const bad = (verdict: BadRecord['verdict'], code: string, what: string, bytes: Uint8Array): BadRecord => {
      return { what, bytes, verdict, code };
    };
    this.all = [
      bad('reject', 'ERR_RECORD_BYTES', 'oversized', new Uint8Array(TOO_LONG_BYTES)),
      bad('reject', 'ERR_RECORD_BYTES', 'not canonical', Uint8Array.of(...this.#encode({ nonce: 1 }), 0)),
      bad('reject', 'ERR_RECORD_BYTES', 'cut', this.#encode({ nonce: 1 }).subarray(0, -1)),
      bad('reject', 'ERR_RECORD_SIGNATURE', 'wrongly signed', encodeRecord(unsigned)),
      bad('reject', 'ERR_RECORD_SIGNATURE', 'of a weak key', this.#encode({ nonce: 0, author: SMALL_ORDER_KEY })),
      bad('reject', 'ERR_RECORD_NETWORK', 'replayed', this.#encode({ nonce: 1, network: 'cd'.repeat(32) })),
      bad('reject', 'ERR_RECORD_TYPE', 'of no known type', this.#encode({ nonce: 1, type: 'nonesuch' })),
      bad('reject', 'ERR_RECORD_BODY', 'with another body', this.#encode({ nonce: 1, body: { claims: 7 } })),
      bad('ignore', 'ERR_MEMPOOL_KNOWN', 'a duplicate', this.waiting),
      bad('ignore', 'ERR_MEMPOOL_CONFLICT', 'conflicting', this.node(2, 'other')),
      bad('ignore', 'ERR_MEMPOOL_STALE', 'stale', this.node(0, 'other')),
      bad('ignore', 'ERR_MEMPOOL_FUTURE', 'from the future', this.#encode({ nonce: 10_000 })),
      bad('ignore', 'ERR_MEMPOOL_FUNDS', 'under-funded', this.#encode({ nonce: 1, ...transfer })),
    ];
  }

  /** A registration of the author, which costs nothing. */
  node(nonce: number, name: string): Uint8Array {
    const claims = { name, tier: 0, profile: 'test', memoryBytes: 0, addresses: [] };
    return this.#encode({ nonce, body: { claims } });
  }

  #encode(fields: Partial<RecordFields> & { readonly nonce: number }): Uint8Array {
    return encodeRecord(this.#sign(fields));
  }

  #sign(fields: Partial<RecordFields> & { readonly nonce: number }) {
    const claims = { name: 'one', tier: 0, profile: 'test', memoryBytes: 0, addresses: [] };
    const all: RecordFields = {
      ...{ network: this.#network, lane: 'A', type: 'node', version: 1, author: this.author },
      ...{ fee: 0n, dependsOn: [], body: { claims } },
      ...fields,
    };
    return signRecord(all, (message) => signEd25519(message, this.#seed));
  }
}
