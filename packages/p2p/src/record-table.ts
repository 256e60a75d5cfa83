import type { Clock, PeerId } from '@blyan/interface';
import { MAX_RECORDS } from '@blyan/params';
import { judgeRecord, type KeptRecord, type RecordVerdict } from './judge-record.ts';

/** The live records of other nodes. Bounded: when it is full, nodes not yet in it are ignored until others expire. */
export class RecordTable {
  readonly #selfId: PeerId;
  readonly #clock: Clock;
  readonly #maxRecords: number;
  readonly #records = new Map<PeerId, KeptRecord>();

  constructor(selfId: PeerId, clock: Clock, maxRecords = MAX_RECORDS) {
    this.#selfId = selfId;
    this.#clock = clock;
    this.#maxRecords = maxRecords;
  }

  /** Judges a record and keeps it when it is accepted and new. */
  receive(bytes: Uint8Array): RecordVerdict {
    const judged = judgeRecord(bytes, {
      nowMs: this.#clock.nowMs(),
      selfId: this.#selfId,
      known: (peerId) => this.#records.get(peerId),
    });
    if (judged.verdict !== 'accept' || !judged.isNew) return judged;
    const { fields } = judged.record;
    if (!this.#records.has(fields.peerId) && this.#records.size >= this.#maxRecords) {
      return { verdict: 'ignore', reason: 'full', fields };
    }
    this.#records.set(fields.peerId, judged.record);
    return judged;
  }

  get(peerId: PeerId): KeptRecord | undefined {
    return this.#records.get(peerId);
  }

  values(): KeptRecord[] {
    return [...this.#records.values()];
  }

  /** Drops what has expired. @returns whose records those were */
  sweep(): PeerId[] {
    const now = this.#clock.nowMs();
    const gone: PeerId[] = [];
    for (const [peerId, record] of this.#records) {
      if (record.expiresAtMs > now) continue;
      this.#records.delete(peerId);
      gone.push(peerId);
    }
    return gone;
  }
}
