import type { RecordVerdict } from '@blyan/chain';
import type { HashedRecord } from '@blyan/chain-format';
import { errorCode, type Hash, type Logger, type PeerId } from '@blyan/interface';
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { P2pHost } from '../host.ts';
import {
  batchedBytes,
  decodeRecordMessage,
  encodeRecordAnnouncement,
  encodeRecordBatch,
  MAX_BATCH_BYTES,
  MAX_GOSSIPED_RECORD_BYTES,
  type RecordMessage,
} from './record-batch.ts';
import { SlicedQueue } from './sliced-queue.ts';

export const RECORD_TOPIC = 'chain-records';
/** For what no honest node sends: it judges before it passes on. */
const INVALID_RECORD_POINTS = 25;
/** Milliseconds that a record waits for company; the first one after a pause does not wait. */
const BATCH_MS = 20;
const MAX_FETCHES = 8;
/** Of records that came and were not judged yet: a second's work. Beyond, gossip is not heard; blocks bring what is missing. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

export interface RecordGossipDeps {
  readonly host: P2pHost;
  readonly logger: Logger;
  /** Judges a record and takes it into the pool. */
  offer(record: Uint8Array): RecordVerdict;
  has(hash: Hash): boolean;
  /** A record that was too long to be sent by gossip, from who announced it; null when it has none. */
  fetch(peerId: PeerId, hash: Hash): Promise<Uint8Array | null>;
}

/** What came of a message. */
interface Judged {
  readonly records: readonly Uint8Array[];
  readonly taken: readonly Uint8Array[];
  /** Code of the last one that was ignored. */
  readonly useless: string | null;
  /** What ended it early. */
  readonly failure: { readonly reject: boolean; readonly error: unknown } | null;
  readonly from: PeerId;
}

/**
 * Passes records on, each once: a message in which all are new and good goes on as it is; the good ones of a mixed one
 * leave in a batch of this node's own. Who sends a bad record loses points; who sends nothing but what is of no use, a point for
 * each message beyond what happens to honest nodes.
 */
export class RecordGossip {
  readonly #deps: RecordGossipDeps;
  readonly #topic: string;
  readonly #waiting = new SlicedQueue({ maxBytes: MAX_WAITING_BYTES, nowMs: () => performance.now() });
  #batch: Uint8Array[] = [];
  #batchBytes = 1;
  #flushing: NodeJS.Timeout | null = null;
  #fetches = 0;

  constructor(deps: RecordGossipDeps) {
    this.#deps = deps;
    this.#topic = deps.host.topic(RECORD_TOPIC);
  }

  /** The host must be running. */
  start(): void {
    const { pubsub } = this.#deps.host.libp2p.services;
    pubsub.topicValidators.set(this.#topic, (from, message) => this.#judge(message.data, from.toString()));
    pubsub.subscribe(this.#topic);
  }

  stop(): void {
    if (this.#flushing !== null) clearTimeout(this.#flushing);
    this.#flushing = null;
    this.#waiting.clear();
    const { host } = this.#deps;
    if (!host.running) return;
    this.#flush();
    host.libp2p.services.pubsub.unsubscribe(this.#topic);
  }

  /** Settles when the records that came until now are judged. */
  judged(): Promise<void> {
    return this.#waiting.settled();
  }

  /** Sends a record that this node has taken, within 20 ms. */
  publish({ bytes, hash }: Pick<HashedRecord, 'bytes' | 'hash'>): void {
    if (bytes.byteLength > MAX_GOSSIPED_RECORD_BYTES) this.#send(encodeRecordAnnouncement(hash));
    else this.#add(bytes);
  }

  #add(record: Uint8Array): void {
    if (this.#batchBytes + batchedBytes(record) > MAX_BATCH_BYTES) this.#flush();
    this.#batch.push(record);
    this.#batchBytes += batchedBytes(record);
    if (this.#flushing !== null) return;
    this.#flush();
    this.#wait();
  }

  #wait(): void {
    this.#flushing = setTimeout(() => {
      this.#flushing = null;
      if (this.#batch.length === 0) return;
      this.#flush();
      this.#wait();
    }, BATCH_MS);
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const batch = encodeRecordBatch(this.#batch);
    this.#batch = [];
    this.#batchBytes = 1;
    this.#send(batch);
  }

  #send(message: Uint8Array): void {
    const { host, logger } = this.#deps;
    if (!host.running) return;
    host.libp2p.services.pubsub
      .publish(this.#topic, message)
      .catch((error) => logger.debug('records not gossiped', { code: errorCode(error) }));
  }

  #judge(data: Uint8Array, from: PeerId): TopicValidatorResult | Promise<TopicValidatorResult> {
    let message: RecordMessage;
    try {
      message = decodeRecordMessage(data);
    } catch (error) {
      return this.#refuse(from, error);
    }
    if (message.kind === 'announcement') return this.#announced(message.hash, from);
    return this.#judgeAll(message.records, data.byteLength, from);
  }

  /** What is not judged, because too much waits or the chain ends, was not heard. */
  async #judgeAll(records: readonly Uint8Array[], bytes: number, from: PeerId): Promise<TopicValidatorResult> {
    const taken: Uint8Array[] = [];
    let judged = 0;
    let useless: string | null = null;
    let failure: { readonly reject: boolean; readonly error: unknown } | null = null;
    const done = this.#waiting.add(bytes, () => {
      const record = records[judged++] as Uint8Array;
      try {
        const verdict = this.#deps.offer(record);
        if (verdict.verdict === 'accept') taken.push(record);
        else if (verdict.verdict === 'ignore') useless = verdict.error.code;
        else failure = { reject: true, error: verdict.error };
      } catch (error) {
        failure = { reject: false, error };
      }
      return failure === null && judged < records.length;
    });
    if (done === null) return TopicValidatorResult.Ignore;
    await done;
    return this.#conclude({ records, taken, useless, failure, from });
  }

  #conclude({ records, taken, useless, failure, from }: Judged): TopicValidatorResult {
    if (taken.length === records.length) return TopicValidatorResult.Accept;
    for (const record of taken) this.#add(record);
    if (failure?.reject) return this.#refuse(from, failure.error);
    if (failure !== null) this.#deps.logger.debug('records not judged', { from, code: errorCode(failure.error) });
    else if (taken.length === 0 && useless !== null) this.#deps.host.nuisance(from, useless);
    return TopicValidatorResult.Ignore;
  }

  async #announced(hash: Hash, from: PeerId): Promise<TopicValidatorResult> {
    const useless = (code: string): TopicValidatorResult => {
      this.#deps.host.nuisance(from, code);
      return TopicValidatorResult.Ignore;
    };
    if (this.#deps.has(hash) || this.#fetches >= MAX_FETCHES) return useless('ERR_P2P_CHAIN_STALE');
    this.#fetches++;
    try {
      const record = await this.#deps.fetch(from, hash);
      if (record === null) return useless('ERR_P2P_CHAIN_STALE');
      const verdict = this.#deps.offer(record);
      if (verdict.verdict === 'reject') return this.#refuse(from, verdict.error);
      return verdict.verdict === 'accept' ? TopicValidatorResult.Accept : useless(verdict.error.code);
    } catch (error) {
      this.#deps.logger.debug('announced record not fetched', { from, code: errorCode(error) });
      return TopicValidatorResult.Ignore;
    } finally {
      this.#fetches--;
    }
  }

  #refuse(from: PeerId, error: unknown): TopicValidatorResult {
    this.#deps.logger.debug('records rejected', { from, code: errorCode(error) });
    this.#deps.host.penalize(from, INVALID_RECORD_POINTS, errorCode(error));
    return TopicValidatorResult.Reject;
  }
}
