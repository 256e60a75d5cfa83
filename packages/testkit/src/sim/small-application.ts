import type { Application, EpochRules, FinalBlockBody, Judgement, ProposalSlot } from '@blyan/chain';
import {
  type BlockHeader,
  type BlockOutline,
  type CryptoSuite,
  decodeCertificate,
  decodeOutline,
  encodeCertificate,
  encodeOutline,
  headerHash,
  type QuorumCertificate,
  recordsRoot,
  type ValidatorSet,
  validatorSetHash,
  ZERO_HASH,
} from '@blyan/chain-format';
import { fromHex, toHex } from '@blyan/crypto';
import type { Hash, KeyValueStore, NetworkId, StoreWrite } from '@blyan/interface';

const MAX_BLOCK_RECORDS = 20;
const MAX_DRIFT_MS = 1_000;
const MAX_ANSWER_BLOCKS = 16;

export interface SmallApplicationOptions {
  readonly network: NetworkId;
  readonly epochBlocks: number;
  /** A pure function: the set is thought of as part of the state. */
  readonly validatorsOf: (epoch: number) => ValidatorSet;
  readonly suite: CryptoSuite;
}

interface Judged {
  readonly block: BlockOutline;
  readonly parent: Hash;
}

const blockKey = (height: number) => `b/${String(height).padStart(12, '0')}`;
const certificateKey = (height: number) => `q/${String(height).padStart(12, '0')}`;

/**
 * The least that consensus can agree on, honestly: a set of records, each at most once, and a state root that is a hash over
 * all of them in their order. A record is any bytes.
 */
export class SmallApplication implements Application {
  readonly #options: SmallApplicationOptions;
  readonly #store: KeyValueStore;
  readonly #judged = new Map<Hash, Judged>();
  readonly #final: Hash[] = [];
  readonly #recorded = new Set<Hash>();
  readonly #waiting = new Map<Hash, Uint8Array>();
  readonly #fetched = new Map<Hash, Uint8Array>();
  #head: BlockOutline;
  #rules: EpochRules;

  constructor(options: SmallApplicationOptions, store: KeyValueStore) {
    this.#options = options;
    this.#store = store;
    this.#head = genesisBlock(options);
    this.#final.push(this.#head.hash);
    for (let height = 1; ; height++) {
      const bytes = store.get(blockKey(height));
      if (bytes === undefined) break;
      this.#head = decodeOutline(bytes, options.suite);
      this.#final.push(this.#head.hash);
      for (const record of this.#head.recordHashes) this.#recorded.add(record);
    }
    this.#rules = this.#rulesNow();
  }

  get head(): BlockOutline {
    return this.#head;
  }

  get rules(): EpochRules {
    return this.#rules;
  }

  get pending(): boolean {
    return this.#waiting.size > 0;
  }

  /** Hash of the final block of a height. */
  finalAt(height: number): Hash | undefined {
    return this.#final[height];
  }

  isRecorded(record: Hash): boolean {
    return this.#recorded.has(record);
  }

  /** Takes a record that a block may have. */
  submit(bytes: Uint8Array): void {
    const hash = toHex(this.#options.suite.sha256(bytes));
    if (!this.#recorded.has(hash)) this.#waiting.set(hash, bytes);
  }

  waiting(): Uint8Array[] {
    return [...this.#waiting.values()];
  }

  build({ parent, view, proposer, nowMs }: ProposalSlot): BlockOutline {
    const used = this.#recordsSince(parent);
    const fresh = [...this.#waiting.keys()].filter((hash) => !used.has(hash)).slice(0, MAX_BLOCK_RECORDS);
    const header = this.#header(parent, view, proposer, nowMs, fresh);
    const block = { hash: headerHash(header, this.#options.suite), header, recordHashes: fresh };
    this.#judged.set(block.hash, { block, parent });
    return block;
  }

  judge(block: BlockOutline, nowMs: number): Judgement {
    const { header, recordHashes, hash } = block;
    if (this.#judged.has(hash)) return { verdict: 'valid' };
    const parent = this.#outline(header.parent);
    if (parent === undefined) return { verdict: 'missing', records: [] };
    const missing = recordHashes.filter((record) => this.#record(record) === undefined);
    if (missing.length > 0) return { verdict: 'missing', records: missing };
    if (header.timeMs > nowMs + MAX_DRIFT_MS) return { verdict: 'early', atMs: header.timeMs - MAX_DRIFT_MS };
    if (header.timeMs <= parent.header.timeMs) return { verdict: 'invalid', code: 'ERR_SIM_TIME' };
    const used = this.#recordsSince(header.parent);
    for (const record of recordHashes) {
      if (used.has(record) || this.#recorded.has(record)) return { verdict: 'invalid', code: 'ERR_SIM_RECORD_TWICE' };
      used.add(record);
    }
    const expected = this.#header(header.parent, header.view, header.proposer, header.timeMs, recordHashes);
    if (headerHash(expected, this.#options.suite) !== hash) return { verdict: 'invalid', code: 'ERR_SIM_HEADER' };
    this.#judged.set(hash, { block, parent: header.parent });
    return { verdict: 'valid' };
  }

  /** Counts a block as judged valid, whatever it says. */
  protected accept(block: BlockOutline): void {
    this.#judged.set(block.hash, { block, parent: block.header.parent });
  }

  bodyWrites(hash: Hash): StoreWrite[] {
    const { block } = this.#judged.get(hash) as Judged;
    const writes: StoreWrite[] = [{ key: `u/${hash}`, value: encodeOutline(block) }];
    for (const record of block.recordHashes) writes.push({ key: `r/${record}`, value: this.#record(record) ?? null });
    return writes;
  }

  commit(hash: Hash, certificate: QuorumCertificate): StoreWrite[] {
    const chain: BlockOutline[] = [];
    for (let at = hash; at !== this.#head.hash; ) {
      const found = this.#judged.get(at);
      if (found === undefined) throw new RangeError('the block was not judged valid on top of the head');
      chain.unshift(found.block);
      at = found.parent;
    }
    const writes: StoreWrite[] = [];
    for (const block of chain) {
      const { height } = block.header;
      writes.push({ key: blockKey(height), value: encodeOutline(block) });
      writes.push({ key: certificateKey(height), value: encodeCertificate(certificate) });
      writes.push({ key: `h/${block.hash}`, value: encodeOutline(block) }, { key: `u/${block.hash}`, value: null });
      for (const record of block.recordHashes) {
        writes.push({ key: `r/${record}`, value: this.#record(record) ?? null });
        this.#recorded.add(record);
        this.#waiting.delete(record);
        this.#fetched.delete(record);
      }
      this.#final[height] = block.hash;
      this.#head = block;
    }
    this.#forgetForks();
    this.#rules = this.#rulesNow();
    return writes;
  }

  addRecords(records: readonly Uint8Array[]): void {
    for (const bytes of records) this.#fetched.set(toHex(this.#options.suite.sha256(bytes)), bytes);
  }

  /** A block of the store or in memory, final or not. */
  outline(hash: Hash): BlockOutline | undefined {
    return this.#judged.get(hash)?.block ?? this.#stored(hash);
  }

  record(hash: Hash): Uint8Array | undefined {
    return this.#record(hash);
  }

  /** Final blocks from a height on, ending with one that has a certificate of its own where there is one. */
  finalBodies(from: number): FinalBlockBody[] {
    const bodies: FinalBlockBody[] = [];
    for (let height = from; height <= this.#head.header.height; height++) {
      const last = bodies.at(-1);
      if (bodies.length >= MAX_ANSWER_BLOCKS && last?.certificate.block === last?.block.hash) break;
      const block = decodeOutline(this.#store.get(blockKey(height)) as Uint8Array, this.#options.suite);
      const certificate = decodeCertificate(this.#store.get(certificateKey(height)) as Uint8Array);
      bodies.push({ block, records: block.recordHashes.map((hash) => this.#record(hash) as Uint8Array), certificate });
    }
    return bodies;
  }

  #stored(hash: Hash): BlockOutline | undefined {
    const bytes = this.#store.get(`u/${hash}`) ?? this.#store.get(`h/${hash}`);
    return bytes === undefined ? undefined : decodeOutline(bytes, this.#options.suite);
  }

  #record(hash: Hash): Uint8Array | undefined {
    return this.#waiting.get(hash) ?? this.#fetched.get(hash) ?? this.#store.get(`r/${hash}`);
  }

  /** The head, or a block that was judged valid. */
  #outline(hash: Hash): BlockOutline | undefined {
    return hash === this.#head.hash ? this.#head : this.#judged.get(hash)?.block;
  }

  #recordsSince(parent: Hash): Set<Hash> {
    const used = new Set<Hash>();
    for (let at = parent; at !== this.#head.hash; ) {
      const found = this.#judged.get(at);
      if (found === undefined) break;
      for (const record of found.block.recordHashes) used.add(record);
      at = found.parent;
    }
    return used;
  }

  #header(parentHash: Hash, view: number, proposer: number, timeMs: number, records: readonly Hash[]): BlockHeader {
    const { suite, epochBlocks, validatorsOf } = this.#options;
    const parent = this.#outline(parentHash);
    if (parent === undefined) throw new RangeError('the parent was not judged valid');
    const height = parent.header.height + 1;
    const epoch = Math.floor((height - 1) / epochBlocks);
    return {
      network: this.#options.network,
      epoch,
      height,
      view,
      parent: parentHash,
      timeMs: Math.max(timeMs, parent.header.timeMs + 1),
      proposer,
      recordCount: records.length,
      recordsRoot: recordsRoot(records, suite),
      stateRoot: stateAfter(parent, records, suite),
      validatorsHash: validatorSetHash(validatorsOf(epoch), suite),
      nextValidatorsHash: validatorSetHash(validatorsOf(epoch + 1), suite),
    };
  }

  #forgetForks(): void {
    for (const [hash, { block }] of this.#judged) {
      if (block.header.height <= this.#head.header.height) this.#judged.delete(hash);
    }
  }

  #rulesNow(): EpochRules {
    const { epochBlocks, validatorsOf } = this.#options;
    const epoch = Math.floor(this.#head.header.height / epochBlocks);
    const start = this.outline(this.#final[epoch * epochBlocks] as Hash) ?? genesisBlock(this.#options);
    return {
      epoch,
      validators: validatorsOf(epoch),
      seed: this.#final[Math.max(0, epoch - 1) * epochBlocks] as Hash,
      start,
      lastHeight: (epoch + 1) * epochBlocks,
    };
  }
}

/** State root after records on top of a block. */
export function stateAfter({ header }: BlockOutline, records: readonly Hash[], suite: CryptoSuite): Hash {
  return toHex(suite.sha256(fromHex(header.stateRoot, 32), fromHex(records.join(''))));
}

export function genesisBlock({ network, suite, validatorsOf }: SmallApplicationOptions): BlockOutline {
  const header: BlockHeader = {
    network,
    epoch: 0,
    height: 0,
    view: 0,
    parent: ZERO_HASH,
    timeMs: 0,
    proposer: 0,
    recordCount: 0,
    recordsRoot: ZERO_HASH,
    stateRoot: ZERO_HASH,
    validatorsHash: validatorSetHash(validatorsOf(0), suite),
    nextValidatorsHash: validatorSetHash(validatorsOf(1), suite),
  };
  return { hash: headerHash(header, suite), header, recordHashes: [] };
}
