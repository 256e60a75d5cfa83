export interface RateLimitOptions {
  /** Messages a second; twice as many may come at once. */
  readonly perSecond: number;
  /** Bytes a second; twice as many may come at once. */
  readonly bytesPerSecond: number;
}

interface Bucket {
  messages: number;
  bytes: number;
  atMs: number;
}

const BURST_SECONDS = 2;
const MAX_SENDERS = 4_096;

/** How much each sender may still send now: two token buckets. Bounded: the sender first heard of is forgotten first. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Whether the message is within the bounds; one that is not takes nothing. */
  take(sender: string, bytes: number, nowMs: number): boolean {
    const { perSecond, bytesPerSecond } = this.#options;
    const [most, mostBytes] = [perSecond * BURST_SECONDS, bytesPerSecond * BURST_SECONDS];
    let bucket = this.#buckets.get(sender);
    if (bucket === undefined) {
      bucket = { messages: most, bytes: mostBytes, atMs: nowMs };
      if (this.#buckets.size >= MAX_SENDERS) this.#buckets.delete(this.#buckets.keys().next().value as string);
      this.#buckets.set(sender, bucket);
    }
    const seconds = Math.max(0, nowMs - bucket.atMs) / 1000;
    bucket.messages = Math.min(most, bucket.messages + seconds * perSecond);
    bucket.bytes = Math.min(mostBytes, bucket.bytes + seconds * bytesPerSecond);
    bucket.atMs = nowMs;
    if (bucket.messages < 1 || bucket.bytes < bytes) return false;
    bucket.messages--;
    bucket.bytes -= bytes;
    return true;
  }
}
