/**
 * Share of the time spent that speculation may lose: a quarter of what is promised (2 %), for estimates are wrong at times and
 * deciding takes its time too, most of all where a token takes a millisecond.
 */
const ALLOWED_LOSS = 0.005;
/** Gains count up to this share of the time spent: luck long ago must not pay for much. */
const MAX_CREDIT = 0.02;

/** What one window may lose at worst, as a share of the time spent; gains of the same account add to it. */
const ALLOWED_RISK = 0.05;

/** What speculation has cost against plain decoding. */
export class TimeAccount {
  readonly #horizonMs: number;
  #spentMs = 0;
  #lostMs = 0;
  #netMs = 0;

  /** @param horizonMs time after which what was counts half */
  constructor(horizonMs = Number.POSITIVE_INFINITY) {
    this.#horizonMs = horizonMs;
  }

  /** @param lostMs more than plain decoding would have taken; negative is a gain */
  record(elapsedMs: number, lostMs: number): void {
    this.#spentMs += elapsedMs;
    this.#netMs += lostMs;
    this.#lostMs = Math.max(this.#lostMs + lostMs, -MAX_CREDIT * this.#spentMs);
    if (this.#spentMs < this.#horizonMs) return;
    this.#spentMs /= 2;
    this.#lostMs /= 2;
    this.#netMs /= 2;
  }

  /** What may still be lost, milliseconds; negative when too much was. */
  get allowanceMs(): number {
    return ALLOWED_LOSS * this.#spentMs - this.#lostMs;
  }

  /** What may be lost at once if all goes wrong, milliseconds. */
  get riskMs(): number {
    return ALLOWED_RISK * this.#spentMs - this.#netMs;
  }
}
