import {
  BlockRepository,
  type EpochRules,
  type FinalBlockBody,
  type Judgement,
  type Mempool,
  type PooledApplication,
  type ProposalSlot,
} from '@blyan/chain';
import type { BlockOutline, CryptoSuite, QuorumCertificate } from '@blyan/chain-format';
import type { Hash, StoreWrite } from '@blyan/interface';
import type { MemoryStore } from '@blyan/store';
import type { SimApplication } from './sim-application.ts';

const MAX_ANSWER_BLOCKS = 16;

/** The real application of one node with its pool and what its store gives to others. */
export class LedgerApplication implements SimApplication {
  readonly #application: PooledApplication;
  readonly #mempool: Mempool;
  readonly #repository: BlockRepository;

  constructor(application: PooledApplication, mempool: Mempool, store: MemoryStore, suite: CryptoSuite) {
    this.#application = application;
    this.#mempool = mempool;
    this.#repository = new BlockRepository(store, suite);
  }

  get head(): BlockOutline {
    return this.#application.head;
  }

  get rules(): EpochRules {
    return this.#application.rules;
  }

  get pending(): boolean {
    return this.#application.pending;
  }

  build(slot: ProposalSlot): BlockOutline {
    return this.#application.build(slot);
  }

  judge(block: BlockOutline, nowMs: number): Judgement {
    return this.#application.judge(block, nowMs);
  }

  bodyWrites(hash: Hash): readonly StoreWrite[] {
    return this.#application.bodyWrites(hash);
  }

  commit(hash: Hash, certificate: QuorumCertificate): readonly StoreWrite[] {
    return this.#application.commit(hash, certificate);
  }

  addRecords(records: readonly Uint8Array[]): void {
    this.#application.addRecords(records);
  }

  outline(hash: Hash): BlockOutline | undefined {
    return this.#repository.unfinalised(hash) ?? this.#repository.blockOf(hash)?.block;
  }

  record(hash: Hash): Uint8Array | undefined {
    return this.#mempool.get(hash)?.bytes ?? this.#repository.recordBytes(hash) ?? undefined;
  }

  finalAt(height: number): Hash | undefined {
    return this.#repository.blockAt(height)?.block.hash;
  }

  finalBodies(from: number): readonly FinalBlockBody[] {
    const bodies: FinalBlockBody[] = [];
    for (let height = from; ; height++) {
      const last = bodies.at(-1);
      if (bodies.length >= MAX_ANSWER_BLOCKS && last?.certificate.block === last?.block.hash) return bodies;
      const block = this.#repository.blockAt(height)?.block;
      const certificate = this.#repository.certificateFor(height);
      if (block === undefined || certificate === null) return bodies;
      const records = block.recordHashes.map((hash) => this.#repository.recordBytes(hash) as Uint8Array);
      bodies.push({ block, records, certificate });
    }
  }

  submit(bytes: Uint8Array): void {
    const verdict = this.#mempool.offer(bytes);
    if (verdict.verdict === 'reject') throw verdict.error;
  }

  isRecorded(record: Hash): boolean {
    return this.#repository.placeOf(record) !== null;
  }
}
