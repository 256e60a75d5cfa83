import type { Clock, PeerId } from '@blyan/interface';
import { MAX_RECORDS, RECORD_TTL_MS } from '@blyan/params';
import type { NodeRecordFields } from '@blyan/routing';
import { judgeRecord, type KeptRecord, type RecordVerdict } from './judge-record.ts';
import { decodeNodeRecord } from './node-record.ts';

/** What was under way when a connection broke still comes by gossip; a record after that is a sign of life. */
const LATE_GOSSIP_MS = 2_000;

export interface RecordTableOptions {
  readonly maxRecords?: number;
  readonly decode?: (bytes: Uint8Array) => NodeRecordFields;
}

interface Grave {
  readonly sequence: number;
  readonly untilMs: number;
}

/**
 * The live records of other nodes. Bounded: when it is full, nodes not yet in it are ignored until others expire. The
 * record of a node whose connection broke lives 20 s at most, whatever it says, unless a new one comes or the node is
 * back; then nobody's copy brings it back.
 */
export class RecordTable {
  readonly #selfId: PeerId;
  readonly #clock: Clock;
  readonly #maxRecords: number;
  readonly #decode: (bytes: Uint8Array) => NodeRecordFields;
  readonly #records = new Map<PeerId, KeptRecord>();
  /** When the connection to a node in the table broke. */
  readonly #lost = new Map<PeerId, number>();
  /** Nodes given up before their records ended. */
  readonly #graves = new Map<PeerId, Grave>();

  constructor(selfId: PeerId, clock: Clock, options: RecordTableOptions = {}) {
    this.#selfId = selfId;
    this.#clock = clock;
    this.#maxRecords = options.maxRecords ?? MAX_RECORDS;
    this.#decode = options.decode ?? decodeNodeRecord;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Judges a record and keeps it when it is accepted and new. */
  receive(bytes: Uint8Array): RecordVerdict {
    const nowMs = this.#clock.nowMs();
    const judged = judgeRecord(bytes, {
      nowMs,
      selfId: this.#selfId,
      known: (peerId) => this.#records.get(peerId),
      decode: this.#decode,
    });
    if (judged.verdict !== 'accept' || !judged.isNew) return judged;
    const { fields } = judged.record;
    const { peerId, sequence } = fields;
    if (sequence <= (this.#graves.get(peerId)?.sequence ?? -1)) return { verdict: 'ignore', reason: 'old', fields };
    if (!this.#records.has(peerId) && this.#records.size >= this.#maxRecords) {
      return { verdict: 'ignore', reason: 'full', fields };
    }
    this.#records.set(peerId, judged.record);
    this.#graves.delete(peerId);
    if (nowMs >= (this.#lost.get(peerId) ?? nowMs) + LATE_GOSSIP_MS) this.#lost.delete(peerId);
    return judged;
  }

  /** The connection to this node broke. */
  lost(peerId: PeerId): void {
    if (this.#records.has(peerId)) this.#lost.set(peerId, this.#clock.nowMs());
  }

  /** There is a connection to this node. */
  back(peerId: PeerId): void {
    this.#lost.delete(peerId);
    this.#graves.delete(peerId);
  }

  get(peerId: PeerId): KeptRecord | undefined {
    return this.#records.get(peerId);
  }

  values(): KeptRecord[] {
    return [...this.#records.values()];
  }

  /** What is worth telling others: not the records of nodes that may be dead. */
  offered(): KeptRecord[] {
    return this.values().filter(({ fields }) => !this.#lost.has(fields.peerId));
  }

  /** Drops what has expired. @returns whose records those were */
  sweep(): PeerId[] {
    const now = this.#clock.nowMs();
    const gone: PeerId[] = [];
    for (const [peerId, record] of this.#records) {
      const lostAtMs = this.#lost.get(peerId);
      const givenUp = lostAtMs !== undefined && lostAtMs + RECORD_TTL_MS <= now;
      if (record.expiresAtMs > now && !givenUp) continue;
      if (record.expiresAtMs > now) this.#bury(peerId, record);
      this.#records.delete(peerId);
      this.#lost.delete(peerId);
      gone.push(peerId);
    }
    for (const [peerId, { untilMs }] of this.#graves) if (untilMs <= now) this.#graves.delete(peerId);
    return gone;
  }

  #bury(peerId: PeerId, { fields, expiresAtMs }: KeptRecord): void {
    if (this.#graves.size >= this.#maxRecords) this.#graves.delete(this.#graves.keys().next().value as PeerId);
    this.#graves.set(peerId, { sequence: fields.sequence, untilMs: expiresAtMs });
  }
}
