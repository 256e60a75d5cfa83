import {
  type ChainRecord,
  decodeRecord,
  encodeRecord,
  type RecordFields,
  signRecord,
  verifyRecord,
} from '@blyan/chain-format';
import { generateKeyPair, nodeSuite, signEd25519, toHex } from '@blyan/crypto';
import { type HeadState, Mempool, type MempoolOptions } from '../../src/index.ts';

export const NETWORK = 'ab'.repeat(32);

/** An author with a key of its own. */
export class Author {
  readonly #keys = generateKeyPair();
  readonly address = toHex(this.#keys.publicKey);

  record(nonce: number, fields: Partial<RecordFields> = {}): Uint8Array {
    return encodeRecord(this.sign(nonce, fields));
  }

  sign(nonce: number, fields: Partial<RecordFields> = {}): ChainRecord {
    const record: RecordFields = {
      network: NETWORK,
      lane: 'C',
      type: 'transfer',
      version: 1,
      author: this.address,
      nonce,
      fee: 0n,
      dependsOn: [],
      body: { amount: 1 },
      ...fields,
    };
    return signRecord(record, (message) => signEd25519(message, this.#keys.secretSeed));
  }
}

/** A head that is written by hand, and a pool before it. */
export class PoolBench {
  readonly accounts = new Map<string, { balance: bigint; nonce: number }>();
  readonly refused = new Map<string, { code: string; final: boolean }>();
  readonly pool: Mempool;
  nowMs = 1_000;
  verified = 0;

  constructor(options: Omit<MempoolOptions, 'network'> = {}) {
    const head: HeadState = {
      account: (publicKey) => this.accounts.get(publicKey) ?? { balance: 1_000_000n, nonce: 0 },
      cost: ({ record }) => record.fee + BigInt(record.body.amount as number),
      refusal: ({ hash }) => this.refused.get(hash) ?? null,
    };
    this.pool = new Mempool(
      { ...options, network: NETWORK },
      {
        clock: { nowMs: () => this.nowMs },
        head,
        decode: (bytes) => decodeRecord(bytes, nodeSuite),
        verify: (record) => {
          this.verified++;
          verifyRecord(record, NETWORK, nodeSuite);
        },
      },
    );
  }

  /** `accept`, or the code with which it was ignored or rejected. */
  offer(bytes: Uint8Array): string {
    const verdict = this.pool.offer(bytes);
    return verdict.verdict === 'accept' ? 'accept' : `${verdict.verdict} ${verdict.error.code}`;
  }

  /** Nonces of the candidates with their authors, as a block would take them. */
  candidates(): [author: string, nonce: number][] {
    const nonces = new Map<string, number>();
    const next = (author: string): number => nonces.get(author) ?? this.accounts.get(author)?.nonce ?? 0;
    const taken: [string, number][] = [];
    for (const { record } of this.pool.candidates(next)) {
      taken.push([record.author, record.nonce]);
      nonces.set(record.author, record.nonce + 1);
    }
    return taken;
  }
}
