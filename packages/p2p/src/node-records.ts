import { EventEmitter } from 'node:events';
import { type Clock, errorCode, type Logger, type PeerId, type Service } from '@blyan/interface';
import {
  MAX_ADDRESSES_PER_RECORD,
  MAX_CLOCK_SKEW_MS,
  MAX_RECORD_BYTES,
  MAX_RECORDS,
  PROTOCOL_MAJORS,
  RECORD_TTL_MS,
} from '@blyan/params';
import type { NodeAdvertisement, NodeRecordFields, NodeView } from '@blyan/routing';
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { z } from 'zod';
import type { P2pHost } from './host.ts';
import type { KeptRecord, RecordVerdict } from './judge-record.ts';
import { encodeNodeRecord } from './node-record.ts';
import type { PeerProtocol } from './peer-protocol.ts';
import { DIGEST_BYTES, digestOf, readDigests, writeDigests } from './record-digest.ts';
import { RecordIssuer, recordTtlMs } from './record-issuer.ts';
import { RecordTable } from './record-table.ts';

export interface NodeRecordsDeps {
  readonly host: P2pHost;
  readonly privateKey: Ed25519PrivateKey;
  readonly logger: Logger;
  readonly clock: Clock;
}

interface RecordsEvents {
  /** A record came, changed or expired, a node became reachable or unreachable, or its clock was found to differ. */
  change: [];
}

const SWEEP_INTERVAL_MS = 1000;
const PULL_IDLE_TIMEOUT_MS = 10_000;
const INVALID_RECORD_POINTS = 20;
const MAX_SERVED_PULLS = 4;

const digests = z.instanceof(Uint8Array).refine((value) => value.byteLength <= MAX_RECORDS * DIGEST_BYTES);
const listRequest = z.object({ known: digests.optional() });
const pulled = z.object({ record: z.instanceof(Uint8Array) });

/**
 * Who is in the network and what each node offers: this node's record, signed and gossiped before its life ends and at
 * once on changes that matter (`RecordIssuer`), and the live records of all others, those not known yet pulled from each
 * peer when it connects.
 */
export class NodeRecords implements Service {
  readonly #deps: NodeRecordsDeps;
  readonly #protocol: PeerProtocol;
  readonly #topic: string;
  readonly #table: RecordTable;
  readonly #skews = new Map<PeerId, number>();
  /** Every answer that waits for a node to come back listens. */
  readonly #events = new EventEmitter<RecordsEvents>().setMaxListeners(0);
  readonly #onConnect = (peerId: PeerId): void => void this.#greet(peerId);
  readonly #onDisconnect = (peerId: PeerId): void => {
    this.#skews.delete(peerId);
    this.#table.lost(peerId);
    this.#changed();
  };
  readonly #issuer = new RecordIssuer();
  #own: KeptRecord | null = null;
  #due: NodeJS.Timeout | null = null;
  #sweeping: NodeJS.Timeout | null = null;

  constructor(deps: NodeRecordsDeps) {
    this.#deps = deps;
    this.#table = new RecordTable(deps.host.peerId, deps.clock);
    this.#topic = deps.host.topic('records');
    this.#protocol = deps.host.protocol('records', PROTOCOL_MAJORS.records, {
      maxFrameBytes: MAX_RECORD_BYTES + 1024,
      maxServedCalls: MAX_SERVED_PULLS,
    });
    this.#protocol.handle('list', { request: listRequest }, ({ known }) => this.#list(known));
    this.#protocol.handleRaw('push', (bytes, { peerId }) => this.#pushed(bytes, peerId));
  }

  /** The host must be running. */
  async start(): Promise<void> {
    const { pubsub } = this.#deps.host.libp2p.services;
    pubsub.topicValidators.set(this.#topic, (from, message) => {
      const { verdict } = this.#receive(message.data, from.toString());
      if (verdict === 'accept') return TopicValidatorResult.Accept;
      return verdict === 'reject' ? TopicValidatorResult.Reject : TopicValidatorResult.Ignore;
    });
    pubsub.subscribe(this.#topic);
    this.#deps.host.on('peer:connect', this.#onConnect).on('peer:disconnect', this.#onDisconnect);
    this.#sweeping = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
    for (const peerId of this.#deps.host.peers()) void this.#greet(peerId);
    this.#issueWhenDue();
  }

  async stop(): Promise<void> {
    if (this.#sweeping !== null) clearInterval(this.#sweeping);
    if (this.#due !== null) clearTimeout(this.#due);
    this.#sweeping = null;
    this.#due = null;
    this.#deps.host.off('peer:connect', this.#onConnect).off('peer:disconnect', this.#onDisconnect);
    if (this.#deps.host.running) this.#deps.host.libp2p.services.pubsub.unsubscribe(this.#topic);
  }

  /**
   * Replaces what this node says of itself; the network is told at once of what it plans by, of load when it is due.
   * @param settled no further change is expected soon: ends the growing waits of a burst of changes
   */
  publish(advertisement: NodeAdvertisement, settled = false): void {
    this.#issuer.offer(advertisement, settled);
    if (this.#sweeping !== null) this.#issueWhenDue();
  }

  /**
   * Every live record, this node's own first once it was published, with its load as of now. `reachable`: a connection
   * is open.
   */
  records(): NodeView[] {
    const { host } = this.#deps;
    const own: NodeView[] = [];
    if (this.#own !== null) {
      own.push({ ...this.#own.fields, ...this.#issuer.advertisement, self: true, reachable: true, rttMs: 0 });
    }
    for (const { fields } of this.#table.values()) {
      own.push({
        ...fields,
        self: false,
        reachable: host.isConnected(fields.peerId),
        rttMs: host.rttMs(fields.peerId),
      });
    }
    return own;
  }

  /** The live record of one node. */
  record(peerId: PeerId): NodeRecordFields | null {
    if (peerId === this.#deps.host.peerId) return this.#own?.fields ?? null;
    return this.#table.get(peerId)?.fields ?? null;
  }

  /** Nodes whose clock differs so much that records are refused: more than 10 s ahead of this node, or 20 s behind. */
  clockSkews(): { readonly peerId: PeerId; readonly skewMs: number }[] {
    return [...this.#skews].map(([peerId, skewMs]) => ({ peerId, skewMs }));
  }

  on(event: 'change', listener: () => void): this {
    this.#events.on(event, listener);
    return this;
  }

  off(event: 'change', listener: () => void): this {
    this.#events.off(event, listener);
    return this;
  }

  /** Drops what has expired by the clock; a timer calls it every second. */
  sweep(): void {
    const gone = this.#table.sweep();
    for (const peerId of gone) this.#deps.host.forget(peerId);
    if (gone.length > 0) this.#changed();
  }

  /** Issues the record if it is time, and comes back when it is time again. */
  #issueWhenDue(): void {
    if (this.#due !== null) clearTimeout(this.#due);
    this.#due = null;
    if (this.#issuer.dueInMs(performance.now()) <= 0) this.#issue();
    const waitMs = this.#issuer.dueInMs(performance.now());
    if (this.#sweeping === null || !Number.isFinite(waitMs)) return;
    this.#due = setTimeout(
      () => this.#issueWhenDue(),
      Math.max(this.#deps.host.running ? 1 : SWEEP_INTERVAL_MS, waitMs),
    );
  }

  #issue(): void {
    const { host, privateKey, clock, logger } = this.#deps;
    const { advertisement } = this.#issuer;
    if (advertisement === null || !host.running) return;
    const issuedAtMs = clock.nowMs();
    const ttlMs = recordTtlMs(this.#table.size + 1);
    const fields: NodeRecordFields = {
      ...advertisement,
      v: 1,
      peerId: host.peerId,
      publicKey: privateKey.publicKey.raw,
      addresses: host.addresses().slice(0, MAX_ADDRESSES_PER_RECORD),
      // Time as its lower bound lets it grow across restarts without a file.
      sequence: Math.max((this.#own?.fields.sequence ?? 0) + 1, issuedAtMs),
      issuedAtMs,
      ttlMs,
    };
    const bytes = encodeNodeRecord(fields, privateKey.raw.subarray(0, 32));
    this.#own = { fields, bytes, expiresAtMs: issuedAtMs + ttlMs };
    this.#issuer.issued(ttlMs, performance.now());
    const { pubsub } = host.libp2p.services;
    pubsub.publish(this.#topic, bytes).catch((error) => logger.debug('gossip failed', { code: errorCode(error) }));
    // Right after connecting, gossip does not know yet who listens.
    const listening = new Set(pubsub.getSubscribers(this.#topic).map(String));
    for (const peerId of host.peers()) if (!listening.has(peerId)) this.#push(peerId, bytes);
    this.#changed();
  }

  #push(peerId: PeerId, bytes: Uint8Array): void {
    this.#protocol.notifyRaw(peerId, 'push', bytes).catch((error) => {
      this.#deps.logger.debug('record not pushed', { peerId, code: errorCode(error) });
    });
  }

  #pushed(bytes: Uint8Array, from: PeerId): void {
    const judged = this.#receive(bytes, from);
    if (judged.verdict !== 'accept' || !judged.isNew) return;
    this.#deps.host.libp2p.services.pubsub.publish(this.#topic, bytes).catch(() => {});
  }

  /** @param known what the asking node has, not sent again */
  async *#list(known = new Uint8Array(0)): AsyncGenerator<{ record: Uint8Array }> {
    const there = readDigests(known);
    const records = this.#own === null ? this.#table.offered() : [this.#own, ...this.#table.offered()];
    for (const { bytes } of records) if (!there.has(digestOf(bytes))) yield { record: bytes };
  }

  async #greet(peerId: PeerId): Promise<void> {
    this.#table.back(peerId);
    this.#changed();
    if (this.#own !== null) this.#push(peerId, this.#own.bytes);
    try {
      let received = 0;
      const known = writeDigests(this.#table.values().map(({ bytes }) => bytes));
      const options = { response: pulled, idleTimeoutMs: PULL_IDLE_TIMEOUT_MS };
      for await (const { record } of this.#protocol.stream(peerId, 'list', { known }, options)) {
        this.#receive(record, peerId);
        if (++received >= MAX_RECORDS) break;
      }
    } catch (error) {
      this.#deps.logger.debug('records not pulled', { peerId, code: errorCode(error) });
    }
  }

  #receive(bytes: Uint8Array, from: PeerId): RecordVerdict {
    const { host, clock, logger } = this.#deps;
    const judged = this.#table.receive(bytes);
    if (judged.verdict === 'reject') {
      logger.debug('record rejected', { from, code: errorCode(judged.error) });
      host.penalize(from, INVALID_RECORD_POINTS, 'ERR_P2P_RECORD');
      return judged;
    }
    const fields = judged.verdict === 'accept' ? judged.record.fields : judged.fields;
    this.#noteSkew(fields, from, clock.nowMs());
    if (judged.verdict === 'accept' && judged.isNew) {
      host.learn(fields.peerId, fields.addresses);
      this.#changed();
    }
    return judged;
  }

  /** Only a record that comes from its own issuer says something about the issuer's clock now. */
  #noteSkew(fields: NodeRecordFields, from: PeerId, nowMs: number): void {
    if (fields.peerId !== from) return;
    const skewMs = fields.issuedAtMs - nowMs;
    if (skewMs <= MAX_CLOCK_SKEW_MS && skewMs >= -RECORD_TTL_MS) {
      this.#skews.delete(from);
      return;
    }
    const isNews = !this.#skews.has(from);
    if (isNews && this.#skews.size >= MAX_RECORDS) return;
    this.#skews.set(from, skewMs);
    if (!isNews) return;
    this.#deps.logger.warn('the clock of a peer differs; set both clocks (NTP)', { peerId: from, skewMs });
    this.#changed();
  }

  #changed(): void {
    this.#events.emit('change');
  }
}
