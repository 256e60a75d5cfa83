import type { FaultReason, PeerId, RouteEntry } from '@blyan/interface';

/** A node that was given up as holder of experts. */
export interface ReplacedHolder {
  readonly peerId: PeerId;
  readonly reason: FaultReason;
  readonly gapMs: number;
  /** Of the row that was being computed. */
  readonly position: number;
  /** Rows that other holders computed instead. */
  readonly rowsRecomputed: Readonly<Record<PeerId, number>>;
}

/** Most replacements kept for one sequence. */
const MAX_REPLACED = 64;

/** Expert calls that other nodes answered for one sequence, from their replies. */
export class ExpertTally {
  readonly #replaced: ReplacedHolder[] = [];
  readonly #peers = new Map<PeerId, { calls: number; ms: number; experts: Set<string> }>();

  add(peerId: PeerId, layer: number, experts: readonly number[], ms: number): void {
    let entry = this.#peers.get(peerId);
    if (!entry) {
      entry = { calls: 0, ms: 0, experts: new Set() };
      this.#peers.set(peerId, entry);
    }
    entry.calls++;
    entry.ms += ms;
    for (const expert of experts) entry.experts.add(`${layer}.${expert}`);
  }

  addReplaced(replaced: ReplacedHolder): void {
    if (this.#replaced.length < MAX_REPLACED) this.#replaced.push(replaced);
  }

  replaced(): ReplacedHolder[] {
    return [...this.#replaced];
  }

  entries(): RouteEntry[] {
    return [...this.#peers].map(([peerId, { calls, ms, experts }]) => ({
      peerId,
      role: 'experts',
      experts: [...experts].sort(byLayerAndExpert),
      calls,
      ms,
    }));
  }
}

function byLayerAndExpert(a: string, b: string): number {
  const [al = 0, ae = 0] = a.split('.').map(Number);
  const [bl = 0, be = 0] = b.split('.').map(Number);
  return al - bl || ae - be;
}

/** One entry per node and role, in the order of first appearance: a node may serve several stages. */
export function mergeRoute(entries: readonly RouteEntry[]): RouteEntry[] {
  const merged = new Map<string, RouteEntry>();
  for (const entry of entries) {
    const key = `${entry.peerId}/${entry.role}/${entry.layers ?? ''}`;
    const held = merged.get(key);
    const experts = [...new Set([...(held?.experts ?? []), ...(entry.experts ?? [])])].sort(byLayerAndExpert);
    merged.set(key, {
      ...entry,
      ...(experts.length > 0 ? { experts } : {}),
      calls: (held?.calls ?? 0) + entry.calls,
      ms: (held?.ms ?? 0) + entry.ms,
    });
  }
  return [...merged.values()].map((entry) => ({ ...entry, ms: Math.round(entry.ms * 1000) / 1000 }));
}
