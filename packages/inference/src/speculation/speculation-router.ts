import { Acceptance } from './acceptance.ts';
import { PlainStep } from './plain-step.ts';
import type { SpeculationHistory } from './speculation-history.ts';
import {
  MAX_ROWS_IN_FLIGHT,
  MAX_WINDOW_ROWS,
  MAX_WINDOWS,
  type SpeculationOffer,
  type SpeculationPolicy,
  type WindowOutcome,
} from './speculation-policy.ts';
import { TimeAccount } from './time-account.ts';

/** Widths that are tried; a cost curve is measured at these. */
const WIDTHS = [2, 3, 4, 6, 8, 12, MAX_WINDOW_ROWS];
/** What is expected to be gained at least, as a factor of the speed. */
const LEAST_GAIN = 1.05;
/** Plain steps before anything is tried: of all answers, and of this one. */
const LEAST_STEPS = 8;
const LEAST_STEPS_OF_ANSWER = 2;
/** An answer's own draws against what the history says. */
const HISTORY_WEIGHT = 6;
/** A plain step is taken when the last one is this many of them ago: everything is compared with it. */
const PLAIN_STEP_AFTER = 100;
/** A window counts against the account for at most this many times what was expected: a stalled machine is no loss. */
const MAX_SURPRISE = 4;

interface Forecast {
  readonly rows: number;
  /** Tokens per plain step's time. */
  readonly rate: number;
}

/**
 * Decides for one answer how many drafted tokens are fed, from what was measured only: how often tokens of a class come true
 * (learned from every token, fed or not, so it costs nothing), how long windows take by their width, alone and one
 * behind another. It feeds what makes the most tokens per time expected, and nothing where that is not more than plain
 * decoding. Widths not measured yet are tried while what they may lose fits into the account: 1 % of the
 * time spent, of this answer and of those before it; with the account overdrawn it is off. So the whole is never slower
 * than plain decoding by more than 1 % and one window, as far as plain steps measured in the same answer tell.
 */
export class SpeculationRouter implements SpeculationPolicy {
  readonly #history: SpeculationHistory;
  readonly #always: boolean;
  readonly #acceptance: Acceptance;
  readonly #account = new TimeAccount();
  readonly #plain = new PlainStep();
  #sincePlainMs = 0;

  /** @param options.always drafts are fed wherever there are any, as wide as seems best */
  constructor(history: SpeculationHistory, { always = false }: { always?: boolean } = {}) {
    this.#history = history;
    this.#always = always;
    this.#acceptance = new Acceptance(history.acceptance, HISTORY_WEIGHT);
  }

  drafts({ classes, pendingClasses, windows, rowsInFlight }: SpeculationOffer): number {
    if (!this.#always && !this.#isReady()) return 0;
    const rates = this.#acceptance.rates();
    const stands = classes.map((confidenceClass) => rates[confidenceClass] as number);
    if (windows === 0) return this.#opening(stands) - 1;
    const reach = pendingClasses.reduce((product, confidenceClass) => product * (rates[confidenceClass] as number), 1);
    return this.#chained(stands, reach, windows, rowsInFlight);
  }

  drafted(confidenceClass: number, stood: boolean): void {
    this.#acceptance.record(confidenceClass, stood);
    this.#history.acceptance.record(confidenceClass, stood);
  }

  finished({ rows, drafts, tokens, elapsedMs, latencyMs, alone, fedBehindMs }: WindowOutcome): void {
    const { latency, interval, account } = this.#history;
    if (alone && drafts === 0) {
      this.#plain.record(latencyMs);
      this.#history.countPlainStep();
      this.#sincePlainMs = 0;
    } else this.#sincePlainMs += elapsedMs;
    const plainMs = this.#plain.ms;
    if (plainMs === null) return;
    const expectedMs = (latency.cost(rows) ?? rows) * plainMs;
    const lostMs = alone && drafts === 0 ? 0 : Math.min(elapsedMs, MAX_SURPRISE * expectedMs) - tokens * plainMs;
    this.#account.record(elapsedMs, lostMs);
    account.record(elapsedMs, lostMs);
    if (alone) latency.record(rows, latencyMs / plainMs);
    if (fedBehindMs === undefined) return;
    // Fed at leisure the time between results is that between feedings; it only says that more is not needed.
    const known = interval.cost(rows);
    const cost = elapsedMs / plainMs;
    if (fedBehindMs < elapsedMs / 2 || (known !== null && cost < known)) interval.record(rows, cost);
  }

  #isReady(): boolean {
    const { account, plainSteps } = this.#history;
    return (
      plainSteps >= LEAST_STEPS &&
      this.#plain.samples >= LEAST_STEPS_OF_ANSWER &&
      account.allowanceMs >= 0 &&
      this.#account.allowanceMs >= 0
    );
  }

  /** What may be lost on a trial, in plain steps. */
  #allowance(): number {
    if (this.#always) return Number.POSITIVE_INFINITY;
    return Math.min(this.#account.allowanceMs, this.#history.account.allowanceMs) / (this.#plain.ms ?? 1);
  }

  /** Rows of a window that begins at the frontier. */
  #opening(stands: readonly number[]): number {
    const plainMs = this.#plain.ms;
    if (!this.#always && plainMs !== null && this.#sincePlainMs > PLAIN_STEP_AFTER * plainMs) return 1;
    const { latency } = this.#history;
    let best: Forecast = this.#always ? { rows: 2, rate: 0 } : { rows: 1, rate: LEAST_GAIN };
    let trial: number | null = null;
    for (const rows of widths(stands.length + 1, latency.widest())) {
      const cost = latency.cost(rows) as number;
      const rate = this.#rate(stands, rows, cost);
      if (rate > best.rate) best = { rows, rate };
    }
    for (const rows of widths(stands.length + 1, latency.widest())) {
      if (latency.known(rows)) continue;
      const hoped = this.#rate(stands, rows, latency.leastCost(rows) as number);
      const loss = (latency.cost(rows) as number) - expectedTokens(stands, rows);
      if (hoped > best.rate && loss <= this.#allowance()) trial = rows;
    }
    return trial ?? best.rows;
  }

  /** Rows of a window behind those on their way, all of them drafted. */
  #chained(stands: readonly number[], reach: number, windows: number, rowsInFlight: number): number {
    const { latency, interval } = this.#history;
    const arrives = reach * (stands[0] as number);
    const behind = stands.slice(1);
    let best: Forecast = { rows: 0, rate: 0 };
    for (const rows of [1, ...widths(stands.length, Math.max(latency.widest(), interval.widest()))]) {
      const cost = interval.cost(rows) ?? (latency.cost(rows) as number);
      const whole = latency.cost(rows) as number;
      const price = Math.max(cost, whole / windowsOf(rows));
      const rate = expectedTokens(behind, rows) / price;
      if (rate > best.rate && rowsInFlight + rows <= MAX_ROWS_IN_FLIGHT) best = { rows, rate };
    }
    if (best.rows === 0) return 0;
    const whole = latency.cost(best.rows) as number;
    const step = interval.cost(best.rows);
    const known = step !== null && interval.known(best.rows);
    // On its way twice over, more windows only make the wait after a wrong draft longer.
    if (known && windows > Math.ceil(whole / step)) return 0;
    const gain = arrives * (whole - (step ?? 0));
    const loss = (1 - arrives) * (step ?? whole);
    if (known) return gain > LEAST_GAIN * loss ? best.rows : 0;
    return gain > loss && loss <= this.#allowance() ? best.rows : 0;
  }

  /** Tokens per plain step's time from a frontier on, where windows of a width follow each other while drafts stand. */
  #rate(stands: readonly number[], rows: number, cost: number): number {
    const tokens = expectedTokens(stands, rows);
    const step = this.#history.interval.cost(rows);
    const alone = tokens / cost;
    if (step === null) return alone;
    const all = stands.slice(0, rows - 1).reduce((product, chance) => product * chance, 1);
    const passes = all * (stands[rows - 1] ?? (stands.at(-1) as number));
    const gap = Math.max(step, cost / windowsOf(rows));
    return Math.max(alone, tokens / ((1 - passes) * (cost + step) + passes * gap));
  }
}

function widths(most: number, measured: number): number[] {
  return WIDTHS.filter((rows) => rows <= most && rows <= Math.max(2, 2 * measured));
}

function windowsOf(rows: number): number {
  return Math.min(MAX_WINDOWS, Math.floor(MAX_ROWS_IN_FLIGHT / rows));
}

/** Tokens a window gives: one, and one more for each draft that stands with all before it. */
function expectedTokens(stands: readonly number[], rows: number): number {
  let tokens = 1;
  let chance = 1;
  for (let index = 0; index < rows - 1; index++) {
    chance *= stands[index] ?? 0;
    tokens += chance;
  }
  return tokens;
}
