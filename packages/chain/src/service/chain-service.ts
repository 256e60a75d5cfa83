import {
  type BlockOutline,
  decodeRecord,
  encodeCertificate,
  encodeHeader,
  encodeOutline,
  hashRecord,
  type QuorumCertificate,
  verifyRecord,
} from '@blyan/chain-format';
import {
  AppError,
  type Chain,
  type ChainAccount,
  type ChainHead,
  errorCode,
  type FinalBlock,
  type Hash,
  type HeldEvidence,
  type KnownRecord,
  type ProvenState,
  type RecordPlace,
  type Service,
} from '@blyan/interface';
import { Mempool } from '../mempool/mempool.ts';
import type { RecordVerdict } from '../mempool/verdict.ts';
import type { PeerKey, ReplicaClock } from '../replica/ports.ts';
import type { ReplicaEvents, ReplicaService } from '../replica/types.ts';
import { epochEndsFrom } from '../snapshot/epoch-ends.ts';
import { BlockRepository } from '../storage/block-repository.ts';
import type { StoredBlock } from '../storage/stored-values.ts';
import { BlockAnnouncer } from './block-announcer.ts';
import type { ChainHandlers, ServedBlock } from './chain-network.ts';
import { MAX_TOLD_EVIDENCE, storedEvidence, toldEvidence } from './held-evidence.ts';
import { PoolSync } from './pool-sync.ts';
import { PooledApplication } from './pooled-application.ts';
import { realClock } from './real-clock.ts';
import { ChainServiceError } from './service-error.ts';
import type { ChainApplicationPort, ChainServiceDeps, ChainServiceOptions } from './service-types.ts';

const EXPIRE_INTERVAL_MS = 30_000;
/** For a message of consensus that no honest validator sends. */
const MISBEHAVIOUR_POINTS = 25;

/** What runs between start and stop. */
interface Running {
  readonly application: ChainApplicationPort;
  readonly mempool: Mempool;
  readonly replica: ReplicaService;
  readonly announcer: BlockAnnouncer;
  readonly poolSync: PoolSync;
  readonly expiring: NodeJS.Timeout;
}

/**
 * The chain of one node: its store, its state, the records that wait, its part in consensus, and what it gives its peers. A
 * node whose key is in no validator set follows. When the store fails it halts: nothing is voted for, taken or promised from
 * then on, and what is on disk stays as it is.
 */
export class ChainService implements Chain, Service {
  readonly #options: ChainServiceOptions;
  readonly #deps: ChainServiceDeps;
  readonly #clock: ReplicaClock;
  readonly #repository: BlockRepository;
  readonly #headListeners = new Set<(head: ChainHead) => void>();
  readonly #failureListeners = new Set<() => void>();
  #running: Running | null = null;
  #failure: AppError | null = null;
  /** The newest final block that is on disk: consensus may be ahead of it, and what is told must outlive a crash. */
  #head: BlockOutline | null = null;
  #finalAtMs = 0;
  #evidence: readonly HeldEvidence[] = [];

  constructor(options: ChainServiceOptions, deps: ChainServiceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#clock = deps.clock ?? realClock;
    this.#repository = new BlockRepository(deps.store, deps.suite);
  }

  get genesis(): Uint8Array {
    return this.#options.genesis.bytes;
  }

  /** Why the chain has stopped for good; null while it has not. */
  get failure(): AppError | null {
    return this.#failure;
  }

  /** Opens what the store holds, and takes part. The network must be running. */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.#running !== null) return;
    signal?.throwIfAborted();
    const { network, suite, logger } = this.#deps;
    const networkId = this.#options.genesis.hash;
    let application: ChainApplicationPort | null = null;
    const opened = (): ChainApplicationPort => {
      if (application === null) throw closed();
      return application;
    };
    const mempool = new Mempool(
      { ...this.#options.mempool, network: networkId },
      {
        clock: this.#clock,
        head: {
          account: (publicKey) => opened().account(publicKey),
          cost: (record) => opened().cost(record),
          refusal: (record) => opened().refusal(record),
        },
        decode: (bytes) => decodeRecord(bytes, suite),
        verify: (record) => verifyRecord(record, networkId, suite),
      },
    );
    application = await this.#deps.openApplication(mempool);
    this.#head = application.head;
    this.#evidence = await storedEvidence(this.#deps.store);
    signal?.throwIfAborted();
    const pooled = new PooledApplication(application, mempool);
    const replica = this.#deps.createReplica(pooled, network, network, this.#replicaEvents());
    const deps = { network, application, replica, networkId, suite, clock: this.#clock };
    const offer = (bytes: Uint8Array): RecordVerdict => this.#take(bytes);
    this.#running = {
      application,
      mempool,
      replica,
      announcer: new BlockAnnouncer(deps),
      poolSync: new PoolSync({ network, logger, has: (hash) => this.#hasRecord(hash), offer }),
      expiring: setInterval(() => mempool.expire(), EXPIRE_INTERVAL_MS),
    };
    await replica.start();
    await network.start(this.#handlers(this.#running));
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    clearInterval(running.expiring);
    running.poolSync.stop();
    running.announcer.stop();
    await this.#deps.network.stop();
    await running.replica.stop();
  }

  head(): ChainHead {
    const { application, mempool, replica } = this.#open();
    const { hash, header } = this.#head ?? application.head;
    const waitingSinceMs = Math.max(this.#finalAtMs, mempool.oldestAtMs ?? Number.POSITIVE_INFINITY);
    const waits = mempool.hasReady && Number.isFinite(waitingSinceMs);
    return {
      networkId: this.#options.genesis.hash,
      height: header.height,
      hash,
      epoch: header.epoch,
      timeMs: header.timeMs,
      stateRoot: header.stateRoot,
      validators: application.rules.validators.length,
      validates: replica.status.validator !== null,
      pending: mempool.size,
      waitingMs: waits ? Math.max(0, this.#clock.nowMs() - waitingSinceMs) : 0,
      evidence: this.#evidence,
    };
  }

  async block(id: number | Hash): Promise<FinalBlock | null> {
    const stored = typeof id === 'number' ? this.#repository.blockAt(id) : this.#repository.blockOf(id);
    return stored === null || !this.#isSafe(stored.block.header.height) ? null : this.#finalBlock(stored);
  }

  async blocks(before: number, limit: number): Promise<readonly FinalBlock[]> {
    const above = (this.#head?.header.height ?? 0) + 1;
    const stored = await this.#repository.blocksBefore(Math.min(before, above), limit);
    return stored.map((block) => this.#finalBlock(block));
  }

  async record(hash: Hash): Promise<KnownRecord | null> {
    const place = this.#repository.placeOf(hash);
    const bytes = this.#recordBytes(hash);
    if (place !== null && !this.#isSafe(place.height)) return { hash, bytes, place: null };
    if (place === null) return this.#open().mempool.get(hash) === undefined ? null : { hash, bytes, place };
    const blockHash = this.#repository.blockAt(place.height)?.block.hash;
    if (blockHash === undefined) return null;
    return { hash, bytes, place: { ...place, blockHash } };
  }

  async recordsOf(
    author: string,
    before: { readonly height: number; readonly index: number } | null,
    limit: number,
  ): Promise<readonly { readonly hash: Hash; readonly place: RecordPlace }[]> {
    const above = { height: (this.#head?.header.height ?? 0) + 1, index: 0 };
    const from = before !== null && this.#isSafe(before.height) ? before : above;
    const listed = await this.#repository.recordsOf({ by: 'author', author }, from, limit);
    return listed.flatMap(({ hash, place }) => {
      const blockHash = this.#repository.blockAt(place.height)?.block.hash;
      return blockHash === undefined ? [] : [{ hash, place: { ...place, blockHash } }];
    });
  }

  account(address: string): ChainAccount {
    const { application, mempool } = this.#open();
    return { ...application.account(address), nextNonce: mempool.nextNonce(address) };
  }

  value(key: string): Uint8Array | null {
    return this.#open().application.value(key) ?? null;
  }

  values(prefix: string, limit: number): Promise<readonly (readonly [key: string, value: Uint8Array])[]> {
    return this.#open().application.values(prefix, limit);
  }

  async proof(key: string): Promise<ProvenState> {
    const { application } = this.#open();
    const { value, siblings, other } = application.prove(key);
    const stored = this.#repository.blockOf(application.head.hash);
    if (stored === null) throw new TypeError('the head is not stored');
    return { key, value, siblings, other, block: this.#finalBlock(stored) };
  }

  epochEnds(fromEpoch: number): readonly Uint8Array[] {
    return epochEndsFrom(this.#repository, fromEpoch);
  }

  async submit(bytes: Uint8Array): Promise<Hash> {
    this.#open();
    const hash = hashRecord(bytes, this.#deps.suite);
    if (this.#hasRecord(hash)) return hash;
    const verdict = this.#take(bytes);
    if (verdict.verdict === 'accept') return hash;
    const { code, message, meta, cause } = verdict.error;
    throw new AppError(code, message, { kind: 'caller', meta, cause });
  }

  onHead(listener: (head: ChainHead) => void): () => void {
    this.#headListeners.add(listener);
    return () => this.#headListeners.delete(listener);
  }

  onFailure(listener: () => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  #open(): Running {
    if (this.#failure !== null) throw this.#failure;
    if (this.#running === null) throw closed();
    return this.#running;
  }

  /** Takes a record into the pool and passes it on. */
  #take(bytes: Uint8Array): RecordVerdict {
    const verdict = this.#offer(bytes);
    if (verdict.verdict === 'accept') this.#deps.network.publishRecord(verdict.record);
    return verdict;
  }

  #offer(bytes: Uint8Array): RecordVerdict {
    const { mempool, replica } = this.#open();
    const wasReady = mempool.hasReady;
    const verdict = mempool.offer(bytes);
    if (!wasReady && mempool.hasReady) replica.poke();
    return verdict;
  }

  #isSafe(height: number): boolean {
    return height <= (this.#head?.header.height ?? Number.POSITIVE_INFINITY);
  }

  #hasRecord(hash: Hash): boolean {
    return this.#running?.mempool.get(hash) !== undefined || this.#repository.placeOf(hash) !== null;
  }

  #recordBytes(hash: Hash): Uint8Array | null {
    return this.#running?.mempool.get(hash)?.bytes ?? this.#repository.recordBytes(hash);
  }

  #handlers({ application, mempool, replica, announcer, poolSync }: Running): ChainHandlers {
    return {
      reach: () => ({ height: application.head.header.height, hash: application.head.hash }),
      record: (hash) => this.#recordBytes(hash),
      outline: (hash) => {
        const block = this.#repository.unfinalised(hash) ?? this.#repository.blockOf(hash)?.block;
        return block ? encodeOutline(block) : null;
      },
      block: async (height) => this.#servedBlock(height),
      pool: (limit) => mempool.hashes(limit),
      isValidator: (key) => application.rules.validators.some(({ publicKey }) => publicKey === key),
      receive: (from, message) => replica.receive(from, message),
      offerRecord: (bytes) => this.#offer(bytes),
      hasRecord: (hash) => this.#hasRecord(hash),
      offerBlock: (from, block) => announcer.judge(from, block),
      snapshots: this.#deps.snapshots ?? null,
      connected: (peer) => {
        poolSync.connected(peer);
        void this.#compare(peer, replica);
      },
    };
  }

  /** Asks a new peer how long its chain is. */
  async #compare(peer: PeerKey, replica: ReplicaService): Promise<void> {
    const reach = await this.#deps.network.reach(peer, AbortSignal.timeout(EXPIRE_INTERVAL_MS)).catch(() => null);
    if (reach !== null && this.#running?.replica === replica) replica.offerHeight(peer, reach.height);
  }

  #replicaEvents(): ReplicaEvents {
    const { logger, network } = this.#deps;
    return {
      final: (head, certificate) => this.#final(head, certificate),
      evidence: (found) => {
        const { first } = found;
        const others = this.#evidence.filter(
          (held) => held.epoch !== first.epoch || held.validator !== first.validator,
        );
        this.#evidence = [...others, toldEvidence(found)].slice(-MAX_TOLD_EVIDENCE);
        logger.warn('a validator has voted twice; the evidence is kept', {
          epoch: first.epoch,
          validator: first.validator,
        });
      },
      halted: (error) => this.#halt(error),
      misbehaviour: (peer, code) => network.penalize(peer, MISBEHAVIOUR_POINTS, code),
    };
  }

  #final(head: BlockOutline, certificate: QuorumCertificate): void {
    const running = this.#running;
    if (running === null) return;
    const { replica, announcer } = running;
    this.#finalAtMs = this.#clock.nowMs();
    this.#head = head;
    announcer.final(head, certificate, replica.status.validator);
    const view = this.head();
    for (const listener of this.#headListeners) listener(view);
  }

  #halt(error: Error): void {
    if (this.#failure !== null) return;
    const reason = errorCode(error.cause ?? error);
    const message = `The chain of this node has stopped: ${reason}. Free its disk or repair its data, then start it again.`;
    this.#failure = new ChainServiceError('ERR_CHAIN_HALTED', message, { meta: { reason }, cause: error });
    this.#deps.logger.error('the chain has stopped', { code: reason });
    for (const listener of this.#failureListeners) listener();
  }

  #finalBlock({ block, certificate }: StoredBlock): FinalBlock {
    const { hash, header, recordHashes } = block;
    const proof = certificate ?? this.#repository.certificateFor(header.height);
    return {
      hash,
      height: header.height,
      header: encodeHeader(header),
      recordHashes,
      certificate: proof === null ? null : encodeCertificate(proof),
    };
  }

  #servedBlock(height: number): ServedBlock | null {
    if (height < 1 || height < this.#repository.prunedBelow()) return null;
    const stored = this.#repository.blockAt(height);
    const certificate = stored?.certificate ?? this.#repository.certificateFor(height);
    if (stored === null || certificate === null) return null;
    const records: Uint8Array[] = [];
    for (const hash of stored.block.recordHashes) {
      const bytes = this.#repository.recordBytes(hash);
      if (bytes === null) return null;
      records.push(bytes);
    }
    return { outline: encodeOutline(stored.block), records, certificate: encodeCertificate(certificate) };
  }
}

function closed(): ChainServiceError {
  return new ChainServiceError('ERR_CHAIN_CLOSED', 'The chain of this node is not open yet; try again in a moment.');
}
