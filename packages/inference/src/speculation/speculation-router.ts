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
const LEAST_GAIN = 1.1;
/** Plain steps before anything is tried: of all answers, and of this one. */
const LEAST_STEPS = 8;
const LEAST_STEPS_OF_ANSWER = 2;
/** An answer's own draws against what the history says. */
const HISTORY_WEIGHT = 6;
/** Draws that what was learned without feeding counts against first drafts that were fed. */
const SHADOW_WEIGHT = 8;
/** What remains of a class of those with every token of it seen: where they failed may be past. */
const FADING = 1 - 1 / 256;
/** What takes this much longer than expected waited for something. */
const QUEUED = 1.25;
/** A plain step is taken when the last one is this many of them ago: everything is compared with it. */
const PLAIN_STEP_AFTER = 100;
/** A window counts against the account for at most this many times what was expected: a stalled machine is no loss. */
const MAX_SURPRISE = 2;

interface Forecast {
  readonly rows: number;
  /** Tokens per plain step's time. */
  readonly rate: number;
}

const NOTHING: Forecast = { rows: 0, rate: 0 };

/**
 * Decides for one answer how many drafted tokens are fed, from what was measured only: how often tokens of a class come true
 * (learned from every token, fed or not, so it costs nothing), how long windows take by their width, alone and one
 * behind another. It feeds what makes the most tokens per time expected, and nothing where that is not more than plain
 * decoding. Widths not measured yet are tried while what they may lose fits into the account: 0.5 % of the
 * time spent, of this answer and of those before it; with the account overdrawn it is off. So the whole is never slower
 * than plain decoding by more than 0.5 % and one window, as far as plain steps measured in the same answer tell.
 */
export class SpeculationRouter implements SpeculationPolicy {
  readonly #history: SpeculationHistory;
  readonly #always: boolean;
  readonly #acceptance: Acceptance;
  readonly #account = new TimeAccount();
  readonly #plain = new PlainStep();
  #sincePlainMs = 0;

  /** @param options.always after two plain steps drafts are fed wherever there are any, as wide as seems best */
  constructor(history: SpeculationHistory, { always = false }: { always?: boolean } = {}) {
    this.#history = history;
    this.#always = always;
    this.#acceptance = new Acceptance(history.acceptance, HISTORY_WEIGHT);
  }

  drafts({ classes, pendingClasses, inFlight }: SpeculationOffer): number {
    if (!this.#isReady()) return 0;
    const rates = this.#acceptance.rates();
    const stands = classes.map((confidenceClass) => rates[confidenceClass] as number);
    if (inFlight.length === 0) {
      const [first, ...further] = stands as [number, ...number[]];
      const fed = this.#history.fed.rate(classes[0] as number, first, SHADOW_WEIGHT);
      return this.#opening([Math.min(first, fed), ...further]) - 1;
    }
    const reach = pendingClasses.reduce((product, confidenceClass) => product * (rates[confidenceClass] as number), 1);
    return this.#chained(stands, reach, inFlight);
  }

  wouldDraft(confidenceClass: number): boolean {
    if (this.#always) return true;
    const { latency, fed, account } = this.#history;
    if (account.allowanceMs < 0 || this.#account.allowanceMs < 0) return false;
    const rates = this.#acceptance.rates();
    // Each token that stands makes the agreement behind the next one longer.
    const [first, ...further] = rates.slice(confidenceClass) as [number, ...number[]];
    const stands = [Math.min(first, fed.rate(confidenceClass, first, SHADOW_WEIGHT)), ...further];
    // Whether it can be afforded is seen when the time has come.
    return widths(stands.length + 1, latency.widest).some((rows) => {
      const cost = latency.cost(latency.nearest(rows) as number) as number;
      return this.#rate(stands, rows, cost) > LEAST_GAIN;
    });
  }

  drafted(confidenceClass: number, stood: boolean): void {
    this.#acceptance.record(confidenceClass, stood);
    this.#history.acceptance.record(confidenceClass, stood);
    this.#history.fed.fade(confidenceClass, FADING);
  }

  finished({ rows, drafts, tokens, elapsedMs, latencyMs, alone, fedBehindMs, confidenceClass }: WindowOutcome): void {
    const { latency, interval, account, fed } = this.#history;
    if (confidenceClass !== undefined) fed.record(confidenceClass, tokens > 1);
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
    // A window that did not queue behind the one before only says that the time between them is enough.
    const queued = fedBehindMs < elapsedMs / 2 || latencyMs > QUEUED * expectedMs;
    const known = interval.cost(rows) ?? Number.POSITIVE_INFINITY;
    const cost = elapsedMs / plainMs;
    if (queued || QUEUED * cost < known) interval.record(rows, cost);
  }

  #isReady(): boolean {
    const { account, plainSteps } = this.#history;
    if (this.#plain.samples < LEAST_STEPS_OF_ANSWER) return false;
    if (this.#always) return true;
    return plainSteps >= LEAST_STEPS && account.allowanceMs >= 0 && this.#account.allowanceMs >= 0;
  }

  /** What may be lost on a trial, in plain steps. */
  #allowance(): number {
    if (this.#always) return Number.POSITIVE_INFINITY;
    return Math.min(this.#account.allowanceMs, this.#history.account.allowanceMs) / (this.#plain.ms ?? 1);
  }

  /** What may be lost if nothing that is fed stands, in plain steps. */
  #risk(): number {
    return this.#always ? Number.POSITIVE_INFINITY : this.#account.riskMs / (this.#plain.ms ?? 1);
  }

  /** Rows of a window that begins at the frontier. */
  #opening(stands: readonly number[]): number {
    const plainMs = this.#plain.ms;
    if (!this.#always && plainMs !== null && this.#sincePlainMs > PLAIN_STEP_AFTER * plainMs) return 1;
    const { latency } = this.#history;
    const risk = this.#risk();
    const whole = (rows: number) => latency.cost(rows) as number;
    const possible = widths(stands.length + 1, latency.widest).filter((rows) => whole(rows) - 1 <= risk);
    const least = { rows: 1, rate: this.#always ? 0 : LEAST_GAIN };
    const likely = best(least, possible, (rows) => this.#rate(stands, rows, whole(rows)));
    // The widest of those not known yet that may turn out better: as long as the next narrower one that is known.
    const trial = possible.findLast((rows) => {
      if (latency.known(rows) || whole(rows) - expectedTokens(stands, rows) > this.#allowance()) return false;
      return this.#rate(stands, rows, whole(latency.nearest(rows) as number)) > likely.rate;
    });
    return trial ?? likely.rows;
  }

  /** Rows of a window behind those on their way, all of them drafted. */
  #chained(stands: readonly number[], reach: number, inFlight: readonly number[]): number {
    const { latency, interval } = this.#history;
    const arrives = reach * (stands[0] as number);
    const behind = stands.slice(1);
    const possible = [1, ...widths(stands.length, Math.max(latency.widest, interval.widest))];
    const whole = (rows: number) => latency.cost(rows) as number;
    // What comes of waiting: a window alone once it is known whether the drafts stand.
    const waiting = best(NOTHING, possible, (rows) => expectedTokens(behind, rows) / whole(rows));
    const rateOf = (rows: number, step: number, cost: number) => {
      const gap = Math.max(step, cost / windowsOf(rows));
      return (arrives * expectedTokens(behind, rows)) / (arrives * gap + (1 - arrives) * step);
    };
    const untried = this.#step(1) === null;
    const following = best(NOTHING, possible, (rows) => rateOf(rows, this.#step(rows) ?? 0, whole(rows)));
    if (following.rate < LEAST_GAIN * waiting.rate) return 0;
    const most = (rows: number) => Math.min(whole(rows), interval.cost(rows) ?? whole(rows));
    const affordable = (rows: number) => (1 - arrives) * most(rows) <= this.#allowance();
    const trial = possible.findLast((rows) => {
      if (untried || interval.known(rows) || !affordable(rows)) return false;
      const hoped = interval.cost(interval.nearest(rows) as number) as number;
      return rateOf(rows, hoped, whole(latency.nearest(rows) as number)) > LEAST_GAIN * following.rate;
    });
    const rows = untried ? waiting.rows : (trial ?? following.rows);
    if (inFlight.reduce((sum, count) => sum + count, rows) > MAX_ROWS_IN_FLIGHT || most(rows) > this.#risk()) return 0;
    // Before anything is known, one window behind another is tried.
    if (untried) return inFlight.length === 1 && affordable(rows) ? rows : 0;
    // With the slowest stage busy until the first result is here, more only makes the wait after a wrong draft longer.
    const queue = inFlight.reduce((sum, count) => sum + (this.#step(count) as number), 0);
    return queue > whole(rows) ? 0 : rows;
  }

  /** Time between results of windows of a width; one that was not measured is to the nearest as their latencies are. */
  #step(rows: number): number | null {
    const { latency, interval } = this.#history;
    const nearest = interval.nearest(rows);
    if (nearest === null) return null;
    const whole = latency.cost(rows) as number;
    const scale = whole / (latency.cost(nearest) as number);
    return Math.min(whole, (interval.cost(nearest) as number) * scale);
  }

  /** Tokens per plain step's time from a frontier on, where windows of a width follow each other while drafts stand. */
  #rate(stands: readonly number[], rows: number, cost: number): number {
    const tokens = expectedTokens(stands, rows);
    const step = this.#step(rows);
    const alone = tokens / cost;
    if (step === null) return alone;
    const all = stands.slice(0, rows - 1).reduce((product, chance) => product * chance, 1);
    const passes = all * (stands[rows - 1] ?? (stands.at(-1) as number));
    const gap = Math.max(step, cost / windowsOf(rows));
    return Math.max(alone, tokens / ((1 - passes) * (cost + step) + passes * gap));
  }
}

/** The width of the highest rate above the least; the narrowest of equals. */
function best(least: Forecast, possible: readonly number[], rate: (rows: number) => number): Forecast {
  const forecasts = possible.map((rows) => ({ rows, rate: rate(rows) }));
  return forecasts.reduce((highest, forecast) => (forecast.rate > highest.rate ? forecast : highest), least);
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
