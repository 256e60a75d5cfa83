import { createHash } from 'node:crypto';
import {
  type BlockHeader,
  decodeRecord,
  encodeHeader,
  headerHash,
  nobleSuite,
  stateLeafHash,
  statePath,
  ZERO_HASH,
} from '@blyan/chain-format';
import { encodeCanonical } from '@blyan/codec/canonical';
import { sha256, toHex } from '@blyan/crypto';
import type {
  AppError,
  Chain,
  ChainAccount,
  ChainHead,
  FinalBlock,
  HeldEvidence,
  KnownRecord,
  ProvenState,
  RecordPlace,
} from '@blyan/interface';

export const NETWORK = 'b2'.repeat(32);
export const ADDRESS = 'ad'.repeat(32);
export const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The only key of the state: its root is the leaf. */
export const KEY = `account/${ADDRESS}`;
const VALUE = encodeCanonical({ balance: 10n ** 30n, nonce: 2 });
const PATH = statePath(KEY, nobleSuite);
const STATE_ROOT = toHex(stateLeafHash(PATH, sha256(VALUE), nobleSuite));

/** The chain port by script: blocks are appended, one for each record that is handed in; their headers are real, nobody voted. */
export class ScriptedChain implements Chain {
  readonly #blocks: FinalBlock[] = [];
  readonly #records = new Map<string, KnownRecord>();
  readonly #listeners = new Set<(head: ChainHead) => void>();
  readonly #failing = new Set<() => void>();
  /** Thrown by `submit`. */
  refuse: Error | null = null;
  /** Whether proofs are of another value. */
  lies = false;
  failure: AppError | null = null;
  genesis: Uint8Array = encodeCanonical({ type: 'blyan/genesis' });
  evidence: readonly HeldEvidence[] = [];
  /** Whether records stay without a block. */
  stands = false;

  constructor() {
    this.append([]);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  append(recordHashes: readonly string[]): FinalBlock {
    const parent = this.#blocks.at(-1);
    const header: BlockHeader = {
      network: NETWORK,
      ...{ epoch: 0, height: this.#blocks.length, view: this.#blocks.length, parent: parent?.hash ?? ZERO_HASH },
      ...{ timeMs: 1_800_000_000_000 + this.#blocks.length, proposer: 0, recordCount: recordHashes.length },
      ...{ recordsRoot: ZERO_HASH, stateRoot: STATE_ROOT },
      ...{ validatorsHash: 'd4'.repeat(32), nextValidatorsHash: 'd4'.repeat(32) },
    };
    const certificate = parent === undefined ? null : encodeCanonical(['finalise', header.height]);
    const block = {
      hash: headerHash(header, nobleSuite),
      height: header.height,
      header: encodeHeader(header),
      recordHashes,
      certificate,
    };
    this.#blocks.push(block);
    for (const listener of this.#listeners) listener(this.head());
    return block;
  }

  head(): ChainHead {
    if (this.failure !== null) throw this.failure;
    const { hash, height } = this.#blocks.at(-1) as FinalBlock;
    const waiting = [...this.#records.values()].filter(({ place }) => place === null).length;
    return {
      networkId: NETWORK,
      ...{ height, hash, epoch: 0, timeMs: 1_800_000_000_000 + height, stateRoot: STATE_ROOT },
      ...{ validators: 4, validates: true, pending: waiting, waitingMs: waiting * 10, evidence: this.evidence },
    };
  }

  async block(id: number | string): Promise<FinalBlock | null> {
    return this.#blocks.find(({ hash, height }) => (typeof id === 'number' ? height : hash) === id) ?? null;
  }

  async blocks(before: number, limit: number): Promise<readonly FinalBlock[]> {
    return this.#blocks.slice(0, before).reverse().slice(0, limit);
  }

  async record(hash: string): Promise<KnownRecord | null> {
    return this.#records.get(hash) ?? null;
  }

  async recordsOf(
    author: string,
    before: { readonly height: number; readonly index: number } | null,
    limit: number,
  ): Promise<readonly { readonly hash: string; readonly place: RecordPlace }[]> {
    const signed = [...this.#records.values()].flatMap(({ hash, bytes, place }) => {
      const by = decodeRecord(bytes as Uint8Array, nobleSuite).record.author;
      return place !== null && by === author ? [{ hash, place }] : [];
    });
    const earlier = signed.filter(({ place }) => before === null || place.height < before.height);
    return earlier.sort((a, b) => b.place.height - a.place.height).slice(0, limit);
  }

  account(address: string): ChainAccount {
    return address === ADDRESS
      ? { balance: 10n ** 30n, nonce: 2, nextNonce: 3 }
      : { balance: 0n, nonce: 0, nextNonce: 0 };
  }

  value(key: string): Uint8Array | null {
    return key === KEY ? VALUE : null;
  }

  async values(prefix: string, limit: number): Promise<readonly (readonly [string, Uint8Array])[]> {
    return KEY.startsWith(prefix) ? ([[KEY, VALUE]] as const).slice(0, limit) : [];
  }

  async proof(key: string): Promise<ProvenState> {
    const block = this.#blocks.at(-1) as FinalBlock;
    const other = { path: toHex(PATH), valueHash: toHex(sha256(VALUE)) };
    const value = this.lies ? encodeCanonical({ balance: 1n }) : this.value(key);
    return { key, value, siblings: [], other: key === KEY ? null : other, block };
  }

  epochEnds(): readonly Uint8Array[] {
    return [];
  }

  async submit(bytes: Uint8Array): Promise<string> {
    if (this.refuse) throw this.refuse;
    const hash = hashOf(bytes);
    this.#records.set(hash, { hash, bytes, place: null });
    if (this.stands) return hash;
    const { height, hash: blockHash } = this.append([hash]);
    this.#records.set(hash, { hash, bytes, place: { height, blockHash, index: 0 } });
    return hash;
  }

  onHead(listener: (head: ChainHead) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onFailure(listener: () => void): () => void {
    this.#failing.add(listener);
    return () => this.#failing.delete(listener);
  }

  /** As when its disk is full. */
  halt(error: AppError): void {
    this.failure = error;
    for (const listener of this.#failing) listener();
  }
}
