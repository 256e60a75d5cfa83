import { MAX_CLOCK_SKEW_MS } from '@blyan/params';
import type { NodeRecordFields } from '@blyan/routing';
import { decodeNodeRecord } from './node-record.ts';

/** A record as this node keeps it. */
export interface KeptRecord {
  readonly fields: NodeRecordFields;
  /** As signed, to be passed on. */
  readonly bytes: Uint8Array;
  /** By this node's clock. */
  readonly expiresAtMs: number;
}

export type RecordVerdict =
  | { readonly verdict: 'accept'; readonly record: KeptRecord; readonly isNew: boolean }
  /** Not the fault of who passed it on. */
  | {
      readonly verdict: 'ignore';
      readonly reason: 'expired' | 'future' | 'old' | 'self' | 'full';
      readonly fields: NodeRecordFields;
    }
  | { readonly verdict: 'reject'; readonly error: unknown };

/**
 * Whether to keep and pass on a record. It lives until its own time of issue plus TTL, but no longer than its TTL from when this
 * node first saw it: with clocks up to 10 s apart, a node of a small network that is killed is gone from every table within 30 s.
 */
export function judgeRecord(
  bytes: Uint8Array,
  context: {
    readonly nowMs: number;
    readonly selfId: string;
    known(peerId: string): KeptRecord | undefined;
    decode?(bytes: Uint8Array): NodeRecordFields;
  },
): RecordVerdict {
  let fields: NodeRecordFields;
  try {
    fields = (context.decode ?? decodeNodeRecord)(bytes);
  } catch (error) {
    return { verdict: 'reject', error };
  }
  if (fields.peerId === context.selfId) return { verdict: 'ignore', reason: 'self', fields };
  const { nowMs } = context;
  if (fields.issuedAtMs > nowMs + MAX_CLOCK_SKEW_MS) return { verdict: 'ignore', reason: 'future', fields };
  const expiresAtMs = Math.min(fields.issuedAtMs, nowMs) + fields.ttlMs;
  if (expiresAtMs <= nowMs) return { verdict: 'ignore', reason: 'expired', fields };
  const known = context.known(fields.peerId);
  if (known !== undefined && fields.sequence <= known.fields.sequence) {
    // Gossip asks once per message: the copy that came another way must still be passed on.
    if (Buffer.compare(bytes, known.bytes) === 0) return { verdict: 'accept', record: known, isNew: false };
    return { verdict: 'ignore', reason: 'old', fields };
  }
  return { verdict: 'accept', record: { fields, bytes, expiresAtMs }, isNew: true };
}
