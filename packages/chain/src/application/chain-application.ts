import {
  type BlockHeader,
  type BlockOutline,
  type CryptoSuite,
  decodeRecord,
  type HashedRecord,
  headerHash,
  type QuorumCertificate,
  recordsRoot,
  type StateProof,
} from '@blyan/chain-format';
import type { Hash, KeyValueStore, StoreWrite } from '@blyan/interface';
import { MAX_TIME_DRIFT_MS } from '@blyan/params';
import type { BuiltGenesis } from '../genesis/genesis-bytes.ts';
import type { HeadState, RecordSource } from '../mempool/record-source.ts';
import { recordCost, standingRefusal } from '../records/apply-record.ts';
import type { Refusal } from '../records/record-errors.ts';
import { RECORD_TYPES, type RecordRegistry } from '../records/record-registry.ts';
import type { Account } from '../state/accounts.ts';
import { StateDraft, type StateView } from '../state/state-draft.ts';
import { type StateOverlay, valueKey } from '../state/state-overlay.ts';
import { proveState, type StateReader } from '../state/state-reader.ts';
import { BlockRepository } from '../storage/block-repository.ts';
import { finalBlockWrites, orphanWrites, unfinalisedBlockWrites, validatorSetWrites } from '../storage/block-writes.ts';
import type { Application, EpochRules, Judgement, ProposalSlot } from './application.ts';
import { BlockExecution } from './block-execution.ts';
import { headerFault } from './check-header.ts';
import { type EpochSets, followingEpoch, openEpoch } from './epoch-sets.ts';
import { FetchedRecords } from './fetched-records.ts';
import { FinalState } from './final-state.ts';
import { openGenesis } from './open-genesis.ts';

export interface ChainApplicationOptions {
  readonly genesis: BuiltGenesis;
  /** Blocks of an epoch. What the genesis says without it; other lengths are for tests. */
  readonly epochBlocks?: number;
  /** Most records this node puts into a block it builds; 4,096 without, which take about 0.1 s to execute. */
  readonly maxBuiltRecords?: number;
}

export interface ChainApplicationDeps {
  readonly store: KeyValueStore;
  readonly records: RecordSource;
  readonly suite: CryptoSuite;
  /** Those of this version without it. */
  readonly registry?: RecordRegistry;
}

/** A block that was judged valid and is not final. */
interface JudgedBlock {
  readonly block: BlockOutline;
  readonly parent: Hash;
  readonly records: readonly HashedRecord[];
  readonly byHash: ReadonlyMap<Hash, HashedRecord>;
  readonly state: StateOverlay;
  /** Whether outline and records were given to the store. */
  isStored: boolean;
}

const VALID: Judgement = { verdict: 'valid' };
const DEFAULT_BUILT_RECORDS = 4_096;
/** Records that are passed over for being too long before a block counts as full. */
const MAX_PASSED_OVER = 64;
/** Of the head's state, in decoded form. */
const MAX_KNOWN_KEYS = 16_384;

/** The chain's state machine: executes blocks on a state in the store, several unfinal ones side by side in memory. */
export class ChainApplication implements Application, HeadState {
  readonly #options: ChainApplicationOptions;
  readonly #deps: ChainApplicationDeps;
  readonly #registry: RecordRegistry;
  readonly #repository: BlockRepository;
  readonly #epochBlocks: number;
  readonly #final: FinalState;
  readonly #fetched: FetchedRecords;
  readonly #judged = new Map<Hash, JudgedBlock>();
  #head: BlockOutline;
  #epoch: EpochSets;
  #view: { readonly top: StateReader; readonly draft: StateDraft } | null = null;

  /**
   * Opens the chain that the store holds, or begins it with the genesis block. Blocks that were not final are judged again.
   * @throws ChainError ERR_CHAIN_NETWORK when the store holds another chain, ERR_CHAIN_STATE_DAMAGED
   */
  static async open(options: ChainApplicationOptions, deps: ChainApplicationDeps): Promise<ChainApplication> {
    const repository = new BlockRepository(deps.store, deps.suite);
    const head = await openGenesis(options.genesis, deps.store, repository, deps.suite);
    const application = new ChainApplication(options, deps, repository, head);
    for (const block of await repository.allUnfinalised()) {
      if (application.judge(block, block.header.timeMs).verdict !== 'valid') continue;
      (application.#judged.get(block.hash) as JudgedBlock).isStored = true;
    }
    return application;
  }

  private constructor(
    options: ChainApplicationOptions,
    deps: ChainApplicationDeps,
    repository: BlockRepository,
    head: BlockOutline,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#registry = deps.registry ?? RECORD_TYPES;
    this.#repository = repository;
    this.#epochBlocks = options.epochBlocks ?? options.genesis.genesis.protocol.chain.epochBlocks;
    this.#final = new FinalState(deps.store);
    this.#fetched = new FetchedRecords(options.genesis.hash, deps.suite);
    this.#head = head;
    this.#epoch = openEpoch(head, this.#final.top, repository, this.#epochBlocks, deps.suite);
  }

  get head(): BlockOutline {
    return this.#head;
  }

  get rules(): EpochRules {
    return this.#epoch.rules;
  }

  get pending(): boolean {
    return this.#deps.records.hasReady;
  }

  build({ parent: parentHash, view, proposer, nowMs }: ProposalSlot): BlockOutline {
    const { records, suite } = this.#deps;
    const parent = this.#standing(parentHash);
    const { rules, validatorsHash, nextValidatorsHash } = this.#epoch;
    if (parent === null || parent.header.height >= rules.lastHeight)
      throw new TypeError('nothing is built on this block');
    const timeMs = Math.max(nowMs, parent.header.timeMs + 1);
    const height = parent.header.height + 1;
    const execution = this.#execution(parent.state, { height, timeMs, parent: parentHash });
    const most = this.#options.maxBuiltRecords ?? DEFAULT_BUILT_RECORDS;
    let passedOver = 0;
    for (const record of records.candidates((author) => execution.nonce(author))) {
      if (!execution.hasRoom(record.bytes.length)) {
        if (++passedOver > MAX_PASSED_OVER) break;
        continue;
      }
      const refusal = execution.add(record);
      if (refusal !== null) records.park(record.hash, refusal.code);
      if (execution.records.length >= most) break;
    }
    const state = execution.seal(this.#proposerKey(proposer));
    const recordHashes = execution.records.map(({ hash }) => hash);
    const header: BlockHeader = {
      ...{
        network: this.#options.genesis.hash,
        epoch: rules.epoch,
        height,
        view,
        parent: parentHash,
        timeMs,
        proposer,
      },
      ...{ recordCount: recordHashes.length, recordsRoot: recordsRoot(recordHashes, suite), stateRoot: state.root },
      ...{ validatorsHash, nextValidatorsHash },
    };
    const block = { hash: headerHash(header, suite), header, recordHashes };
    this.#keep(block, execution.records, state);
    return block;
  }

  judge(block: BlockOutline, nowMs: number): Judgement {
    const { hash, header } = block;
    if (hash === this.#head.hash || this.#judged.has(hash)) return VALID;
    const parent = this.#standing(header.parent);
    if (parent === null) return { verdict: 'missing', records: [] };
    const fault = headerFault(block, parent.header, this.#options.genesis.hash, this.#epoch, this.#deps.suite);
    if (fault !== null) return { verdict: 'invalid', code: fault };
    const earliestMs = header.timeMs - MAX_TIME_DRIFT_MS;
    if (nowMs < earliestMs) return { verdict: 'early', atMs: earliestMs };
    const found = block.recordHashes.map((record) => this.#find(record));
    const missing = block.recordHashes.filter((_, i) => found[i] === undefined);
    if (missing.length > 0) return { verdict: 'missing', records: missing };
    const execution = this.#execution(parent.state, header);
    for (const item of found as NonNullable<(typeof found)[number]>[]) {
      if ('code' in item) return { verdict: 'invalid', code: item.code };
      if (!execution.hasRoom(item.record.bytes.length)) return { verdict: 'invalid', code: 'ERR_CHAIN_BLOCK_SIZE' };
      const refusal = execution.add(item.record);
      if (refusal !== null) return { verdict: 'invalid', code: refusal.code };
    }
    const state = execution.seal(this.#proposerKey(header.proposer));
    if (state.root !== header.stateRoot) return { verdict: 'invalid', code: 'ERR_CHAIN_BLOCK_STATE' };
    this.#keep(block, execution.records, state);
    return VALID;
  }

  bodyWrites(hash: Hash): readonly StoreWrite[] {
    const judged = this.#judged.get(hash);
    // The head is on disk, and with it the block an epoch starts from.
    if (judged === undefined || judged.isStored) return [];
    judged.isStored = true;
    return unfinalisedBlockWrites(judged.block, judged.records);
  }

  commit(hash: Hash, certificate: QuorumCertificate): readonly StoreWrite[] {
    const line: JudgedBlock[] = [];
    for (let at = hash; at !== this.#head.hash; ) {
      const judged = this.#judged.get(at);
      if (judged === undefined) throw new TypeError('only a judged block on top of the head becomes final');
      line.unshift(judged);
      at = judged.parent;
    }
    const writes: StoreWrite[] = [];
    for (const judged of line) writes.push(...this.#finalise(judged, judged.block.hash === hash ? certificate : null));
    writes.push(...this.#forgetLosers(line));
    return writes;
  }

  addRecords(records: readonly Uint8Array[]): void {
    for (const bytes of records) this.#fetched.add(bytes);
  }

  account(publicKey: string): Account {
    return this.#headView().account(publicKey);
  }

  cost(record: HashedRecord): bigint {
    return recordCost(record, this.#registry);
  }

  refusal(record: HashedRecord): Refusal | null {
    return standingRefusal(this.#headView(), record, this.#registry);
  }

  /** Value of a state key at the head, canonical bytes. */
  value(key: string): Uint8Array | undefined {
    this.#settle();
    return this.#final.top.get(key);
  }

  /** Keys that begin so with their values, by code unit, as the store holds them. */
  async values(prefix: string, limit: number): Promise<readonly (readonly [key: string, value: Uint8Array])[]> {
    const from = valueKey(prefix);
    const found: (readonly [string, Uint8Array])[] = [];
    for await (const [key, value] of this.#deps.store.entries({ from, to: `${from}\x7f`, limit })) {
      found.push([key.slice(valueKey('').length), value]);
    }
    return found;
  }

  /** Leads to the state root of the head. */
  prove(key: string): StateProof {
    this.#settle();
    return proveState(this.#final.top, key);
  }

  /** The state at the head, to read from: what a pool asks for again and again is decoded once. */
  #headView(): StateView {
    this.#settle();
    const { top } = this.#final;
    if (this.#view?.top !== top || this.#view.draft.knownKeys > MAX_KNOWN_KEYS) {
      this.#view = { top, draft: new StateDraft(top) };
    }
    return this.#view.draft;
  }

  #settle(): void {
    const standing = () => Array.from(this.#judged.values(), ({ parent, state }) => ({ parent, state }));
    this.#final.settle(() => this.#repository.head()?.height ?? -1, { [Symbol.iterator]: () => standing().values() });
  }

  /** A block that others can stand on, with its state. */
  #standing(hash: Hash): { readonly header: BlockHeader; readonly state: StateReader } | null {
    this.#settle();
    if (hash === this.#head.hash) return { header: this.#head.header, state: this.#final.top };
    const judged = this.#judged.get(hash);
    return judged === undefined ? null : { header: judged.block.header, state: judged.state };
  }

  #execution(state: StateReader, { height, timeMs, parent }: Pick<BlockHeader, 'height' | 'timeMs' | 'parent'>) {
    return new BlockExecution(state, { height, timeMs, parent, registry: this.#registry });
  }

  #proposerKey(index: number): string {
    const proposer = this.#epoch.rules.validators[index];
    if (proposer === undefined) throw new TypeError('the proposer is not in the validator set');
    return proposer.publicKey;
  }

  #keep(block: BlockOutline, records: readonly HashedRecord[], state: StateOverlay): void {
    const byHash = new Map(records.map((record) => [record.hash, record]));
    const { parent } = block.header;
    this.#judged.set(block.hash, { block, parent, records, byHash, state, isStored: false });
  }

  /** A record by its hash: from the pool, from peers, from another block, or from the disk. Only what peers sent is unverified. */
  #find(hash: Hash): { readonly record: HashedRecord } | { readonly code: string } | undefined {
    const pooled = this.#deps.records.get(hash);
    if (pooled !== undefined) return { record: pooled };
    const fetched = this.#fetched.get(hash);
    if (fetched !== undefined) return fetched;
    for (const { byHash } of this.#judged.values()) {
      const record = byHash.get(hash);
      if (record !== undefined) return { record };
    }
    const bytes = this.#repository.recordBytes(hash);
    return bytes === null ? undefined : { record: decodeRecord(bytes, this.#deps.suite) };
  }

  #finalise({ block, records, state, isStored }: JudgedBlock, certificate: QuorumCertificate | null): StoreWrite[] {
    const { suite } = this.#deps;
    const { hash, header } = block;
    const options = { bodyStored: isStored, epochBlocks: this.#epochBlocks };
    const writes = [...finalBlockWrites({ block, records, certificate }, options), ...state.writes()];
    this.#final.push({ hash, height: header.height, state });
    this.#head = block;
    this.#view = null;
    if (header.height === this.#epoch.rules.lastHeight) {
      this.#epoch = followingEpoch(this.#epoch, block, state, this.#epochBlocks, suite);
      if (this.#epoch.next.length > 0) writes.push(...validatorSetWrites(this.#epoch.next, suite));
    }
    return writes;
  }

  /** Forgets what became final and what can no longer. */
  #forgetLosers(line: readonly JudgedBlock[]): StoreWrite[] {
    for (const { block } of line) this.#judged.delete(block.hash);
    const losers = [...this.#judged.values()].filter((judged) => !this.#descends(judged));
    for (const { block } of losers) this.#judged.delete(block.hash);
    for (const { byHash } of line) for (const hash of byHash.keys()) this.#fetched.delete(hash);
    const kept = [...line, ...this.#judged.values()];
    const stored = losers.filter(({ isStored }) => isStored).map(({ block }) => block);
    const needed = (record: Hash): boolean =>
      kept.some(({ byHash }) => byHash.has(record)) || this.#repository.placeOf(record) !== null;
    return orphanWrites(stored, needed);
  }

  #descends(judged: JudgedBlock): boolean {
    for (let at: JudgedBlock | undefined = judged; at !== undefined; at = this.#judged.get(at.parent)) {
      if (at.parent === this.#head.hash) return true;
    }
    return false;
  }
}
