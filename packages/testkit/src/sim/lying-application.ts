import type { EpochRules, Judgement, ProposalSlot } from '@blyan/chain';
import { type BlockOutline, type CryptoSuite, headerHash, type QuorumCertificate } from '@blyan/chain-format';
import { toHex } from '@blyan/crypto';
import type { Hash, StoreWrite } from '@blyan/interface';
import type { SimApplication } from './sim-application.ts';

/** Builds blocks that claim a false state, or stand where they should not, and believes in them. */
export class LyingApplication implements SimApplication {
  readonly #inner: SimApplication;
  readonly #suite: CryptoSuite;
  readonly #lies: (attack: 'lie' | 'fork') => boolean;
  readonly #made = new Map<Hash, BlockOutline>();

  constructor(inner: SimApplication, suite: CryptoSuite, lies: (attack: 'lie' | 'fork') => boolean) {
    this.#inner = inner;
    this.#suite = suite;
    this.#lies = lies;
  }

  get head(): BlockOutline {
    return this.#inner.head;
  }

  get rules(): EpochRules {
    return this.#inner.rules;
  }

  get pending(): boolean {
    return this.#inner.pending;
  }

  build(slot: ProposalSlot): BlockOutline {
    const below = this.outline(slot.parent)?.header.parent;
    const forks = below !== undefined && slot.parent !== this.head.hash && this.#lies('fork');
    const block = this.#inner.build(forks ? { ...slot, parent: below } : slot);
    if (!this.#lies('lie')) return block;
    const header = { ...block.header, stateRoot: toHex(this.#suite.sha256(Uint8Array.of(7))) };
    const lie = { hash: headerHash(header, this.#suite), header, recordHashes: block.recordHashes };
    this.#made.set(lie.hash, lie);
    return lie;
  }

  judge(block: BlockOutline, nowMs: number): Judgement {
    return this.#made.has(block.hash) ? { verdict: 'valid' } : this.#inner.judge(block, nowMs);
  }

  bodyWrites(hash: Hash): readonly StoreWrite[] {
    return this.#made.has(hash) ? [] : this.#inner.bodyWrites(hash);
  }

  commit(hash: Hash, certificate: QuorumCertificate): readonly StoreWrite[] {
    return this.#inner.commit(hash, certificate);
  }

  addRecords(records: readonly Uint8Array[]): void {
    this.#inner.addRecords(records);
  }

  outline(hash: Hash): BlockOutline | undefined {
    return this.#made.get(hash) ?? this.#inner.outline(hash);
  }

  record(hash: Hash): Uint8Array | undefined {
    return this.#inner.record(hash);
  }

  finalAt(height: number): Hash | undefined {
    return this.#inner.finalAt(height);
  }

  finalBodies(from: number) {
    return this.#inner.finalBodies(from);
  }

  submit(bytes: Uint8Array): void {
    this.#inner.submit(bytes);
  }

  isRecorded(record: Hash): boolean {
    return this.#inner.isRecorded(record);
  }
}
