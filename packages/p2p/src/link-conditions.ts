/** What a link is like at the moment, each direction for itself. */
export interface LinkConditions {
  /** Added to every byte: half of the round trip to imitate. Milliseconds, fractions allowed. */
  readonly delayMs: number;
  /** Added on top, uniform in 0 to this, milliseconds; bytes never overtake each other. */
  readonly jitterMs: number;
  /** Bytes a second that leave the sender; Infinity: no limit. */
  readonly bytesPerSecond: number;
}

export const PERFECT_LINK: LinkConditions = { delayMs: 0, jitterMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };

/** @throws RangeError naming the condition that is out of range */
export function changeConditions(now: LinkConditions, change: Partial<LinkConditions>): LinkConditions {
  const next = { ...now, ...change };
  for (const name of ['delayMs', 'jitterMs'] as const) {
    if (!Number.isFinite(next[name]) || next[name] < 0) throw new RangeError(`${name} is ${next[name]}, not 0 or more`);
  }
  if (!(next.bytesPerSecond > 0)) throw new RangeError(`bytesPerSecond is ${next.bytesPerSecond}, not above 0`);
  return next;
}

/** When bytes that are sent now arrive: the arithmetic of one direction of a link, without clock or sockets. */
export class LinkSchedule {
  readonly #random: () => number;
  /** When the sender has put everything so far on the wire. */
  #sentAtMs = 0;
  /** When the last byte so far arrives: no later byte may be earlier. */
  #arrivesAtMs = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Takes the bytes on and returns when the last of them arrives, in milliseconds of the caller's clock. */
  arrival(nowMs: number, sizeBytes: number, { delayMs, jitterMs, bytesPerSecond }: LinkConditions): number {
    this.#sentAtMs = Math.max(nowMs, this.#sentAtMs) + (sizeBytes / bytesPerSecond) * 1000;
    if (bytesPerSecond === Number.POSITIVE_INFINITY) this.#sentAtMs = nowMs;
    const late = jitterMs === 0 ? 0 : this.#random() * jitterMs;
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, this.#sentAtMs + delayMs + late);
    return this.#arrivesAtMs;
  }
}
