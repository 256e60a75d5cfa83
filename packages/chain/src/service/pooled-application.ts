import type { BlockOutline, QuorumCertificate } from '@blyan/chain-format';
import type { Hash, StoreWrite } from '@blyan/interface';
import type { Application, EpochRules, Judgement, ProposalSlot } from '../application/application.ts';
import type { Mempool } from '../mempool/mempool.ts';

/** An application whose pool follows its head at once, so that what is final never counts as waiting. */
export class PooledApplication implements Application {
  readonly #application: Application;
  readonly #mempool: Mempool;
  /** Record hashes of blocks that were judged or built here and are not final. */
  readonly #unfinal = new Map<Hash, BlockOutline>();

  constructor(application: Application, mempool: Mempool) {
    this.#application = application;
    this.#mempool = mempool;
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
    const block = this.#application.build(slot);
    this.#unfinal.set(block.hash, block);
    return block;
  }

  judge(block: BlockOutline, nowMs: number): Judgement {
    const judgement = this.#application.judge(block, nowMs);
    if (judgement.verdict === 'valid') this.#unfinal.set(block.hash, block);
    return judgement;
  }

  bodyWrites(hash: Hash): readonly StoreWrite[] {
    return this.#application.bodyWrites(hash);
  }

  commit(hash: Hash, certificate: QuorumCertificate): readonly StoreWrite[] {
    const { height } = this.#application.head.header;
    const authors = this.#authors(hash, height);
    const writes = this.#application.commit(hash, certificate);
    this.#mempool.headMoved(authors);
    const head = this.#application.head.header.height;
    for (const [other, { header }] of this.#unfinal) if (header.height <= head) this.#unfinal.delete(other);
    return writes;
  }

  addRecords(records: readonly Uint8Array[]): void {
    this.#application.addRecords(records);
  }

  /** Who wrote the records of a block and its ancestors above a height; undefined, meaning everybody, where not all are known. */
  #authors(hash: Hash, above: number): Set<string> | undefined {
    const authors = new Set<string>();
    let block = this.#unfinal.get(hash);
    for (; block !== undefined; block = this.#unfinal.get(block.header.parent)) {
      for (const record of block.recordHashes) {
        const known = this.#mempool.get(record);
        if (known === undefined) return undefined;
        authors.add(known.record.author);
      }
      if (block.header.height === above + 1) return authors;
    }
    return undefined;
  }
}
