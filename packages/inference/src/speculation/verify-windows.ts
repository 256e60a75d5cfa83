import { InferenceError } from '../errors.ts';
import { CONFIDENCE_CLASSES, type Draft, type Drafter, NO_DRAFT } from './drafter.ts';
import { MAX_ROWS_IN_FLIGHT, MAX_WINDOW_ROWS, MAX_WINDOWS, type SpeculationPolicy } from './speculation-policy.ts';

/** Rows to feed: `tokens[i]` at the absolute position `position + i`, its keys and values replacing what is there and behind. */
export interface VerifyWindow {
  readonly epoch: number;
  readonly position: number;
  readonly tokens: readonly number[];
}

/** The target's own tokens for a window: `sampled[i]`, drawn with the key (seed, position + i + 1), follows row i. */
export interface VerifiedWindow {
  readonly epoch: number;
  readonly position: number;
  readonly sampled: readonly number[];
}

export interface VerifyWindowsOptions {
  /** Prompt and the part of the answer that is known already; at least one token. Position 0 is its first. */
  readonly context: readonly number[];
  /** Tokens to commit behind the context at most, at least 1. */
  readonly limit: number;
  /** Whether a token ends the answer; it is not committed then. */
  readonly isEnd: (token: number) => boolean;
  /** Without: one row at a time, and the next when its result is there. */
  readonly speculation?: { readonly drafter: Drafter; readonly policy: SpeculationPolicy };
  /** 0 when left out. */
  readonly epoch?: number;
}

/** Classes of an agreement that begins. */
const FIRST_CLASSES: readonly number[] = [0, 1];

interface Fed extends Omit<VerifyWindow, 'epoch'> {
  /** Of the drafted tokens: all, or all but the first. */
  readonly classes: readonly number[];
  readonly atMs: number;
  /** False for a prompt and for what has to wait for a failover. */
  readonly timed: boolean;
  readonly alone: boolean;
  readonly fedBehindMs: number | undefined;
}

/**
 * One answer as seen by its coordinator: which rows to feed next, and which tokens stand. The tokens are those of plain
 * decoding, whatever is drafted, for a token is committed only when it was sampled behind nothing but committed tokens.
 *
 * The frontier is the newest committed token, with n tokens before it at position n; all positions before it have been
 * computed by every stage. A window fed while nothing is on its way begins with the frontier; one fed behind others
 * begins where they end, with a draft. When a sample differs from the row fed behind it, the sample is committed, the
 * epoch rises by one, what is on its way is forgotten (its results, of an older epoch, are ignored) and the next
 * window begins at the new frontier, at or before what stages hold: they drop everything from its position on.
 *
 * Call `next` until it gives null, at the start and after every `verified` and `restart`. Results of an epoch must be handed over
 * in the order of their windows; others are ignored. At most MAX_WINDOWS windows with MAX_ROWS_IN_FLIGHT rows are on
 * their way, none behind the last row whose result can be needed (so positions stay below context + limit - 1).
 *
 * @see Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", ICML 2023; here the target's
 * draw is fixed by its key, so a draft stands exactly when it is that draw
 */
export class VerifyWindows {
  readonly #limit: number;
  readonly #isEnd: (token: number) => boolean;
  readonly #drafter: Drafter | undefined;
  readonly #policy: SpeculationPolicy | undefined;
  readonly #firstPosition: number;
  #epoch: number;
  #newest: number;
  #committed = 0;
  #ended: 'stop' | 'length' | null = null;
  #fed: Fed[] = [];
  #fellAt = -1;
  #resultAtMs = Number.NEGATIVE_INFINITY;
  /** What was forgotten is still on its way: it delays the next window. */
  #behindForgotten = false;
  #timed = true;
  /** What the drafter says of the token behind the frontier, when it has been asked. */
  #guess: Draft | null = null;
  #drafted = 0;
  #accepted = 0;

  constructor({ context, limit, isEnd, speculation, epoch = 0 }: VerifyWindowsOptions) {
    if (context.length === 0 || limit < 1)
      throw new InferenceError('ERR_INFERENCE_RANGE', 'An answer needs a token before it and room for one.');
    this.#limit = limit;
    this.#isEnd = isEnd;
    this.#drafter = speculation?.drafter;
    this.#policy = speculation?.policy;
    this.#firstPosition = context.length;
    this.#epoch = epoch;
    this.#newest = context.at(-1) as number;
    this.#drafter?.observe(context);
  }

  /**
   * Whether the window behind the one on its way will be its token alone, as far as can be told before the token is
   * known: the agreement goes on, or is a short one. A longer one that begins there is seen a token later.
   */
  get isPlainNext(): boolean {
    if (!this.#drafter || !this.#policy) return true;
    this.#guess ??= this.#drafter.draft([], 1);
    const [present] = this.#guess.classes;
    const classes =
      present === undefined
        ? FIRST_CLASSES
        : [...FIRST_CLASSES, present, Math.min(present + 1, CONFIDENCE_CLASSES - 1)];
    return !classes.some((confidenceClass) => this.#policy?.wouldDraft(confidenceClass));
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Why the answer is complete: an end token came, or the limit is reached; null while it is not. */
  get ended(): 'stop' | 'length' | null {
    return this.#ended;
  }

  /** Position of the newest committed token. */
  get frontier(): number {
    return this.#firstPosition + this.#committed - 1;
  }

  /**
   * Whether a draft fell at the frontier and no result has come since: what stages hold there may be the draft's row, and
   * those that have seen nothing of the present epoch hold it for sure.
   */
  get hasFallen(): boolean {
    return this.#fellAt === this.frontier;
  }

  get inFlight(): { readonly windows: number; readonly rows: number } {
    return { windows: this.#fed.length, rows: this.#rowsInFlight() };
  }

  /** Drafted tokens that were fed, and how many of them were committed. */
  get report(): { readonly drafted: number; readonly accepted: number } {
    return { drafted: this.#drafted, accepted: this.#accepted };
  }

  /** Rows of the window whose result comes next, when it begins at this position; otherwise 0. */
  rowsDue(position: number): number {
    const window = this.#fed[0];
    return window?.position === position ? window.tokens.length : 0;
  }

  /**
   * Rows to feed now; null: wait for a result, or the answer is complete.
   *
   * @param isFed the frontier has been fed already, alone: with nothing on its way that is the window
   */
  next(nowMs: number, isFed = false): VerifyWindow | null {
    if (this.#ended) return null;
    const last = this.#fed.at(-1);
    if (!last) return this.#feed(this.frontier, [this.#newest], isFed ? NO_DRAFT : this.#chosen(), nowMs);
    if (this.#fed.length >= MAX_WINDOWS) return null;
    const draft = this.#chosen();
    if (draft.tokens.length === 0) return null;
    return this.#feed(last.position + last.tokens.length, [], draft, nowMs);
  }

  /**
   * Says that the frontier is on its way as the last row of a prompt (or of a replay), fed by the caller in the present
   * epoch: `verified` takes its result. Only while nothing is on its way. Its time says nothing about steps.
   */
  prefilling(nowMs: number): void {
    if (this.#fed.length > 0)
      throw new InferenceError('ERR_INFERENCE_POSITION', 'The prompt goes before all windows.', {
        meta: { windows: this.#fed.length },
      });
    this.#timed = false;
    this.#feed(this.frontier, [this.#newest], NO_DRAFT, nowMs);
  }

  /**
   * Takes the result of a window and gives the tokens it commits, in order: always the first ones of `sampled`, so what else is
   * known of a row (log probabilities) goes with them. Empty for a result that no longer counts, or when an end token is first.
   *
   * `sampled` may end at the first token that differs from the row fed behind it: the others are not looked at.
   *
   * @param nowMs when the result had arrived and was sampled, on any clock that only goes forward
   * @throws InferenceError ERR_INFERENCE_RANGE when tokens are missing; nothing has changed then
   */
  verified({ epoch, position, sampled }: VerifiedWindow, nowMs: number): readonly number[] {
    const window = this.#fed[0];
    if (this.#ended || !window || epoch !== this.#epoch || position !== window.position) return [];
    const needed = sampled.findIndex((token, row) => token !== window.tokens[row + 1]) + 1 || window.tokens.length;
    if (sampled.length < needed)
      throw new InferenceError('ERR_INFERENCE_RANGE', `A window of ${window.tokens.length} rows has too few tokens.`, {
        meta: { rows: window.tokens.length, sampled: sampled.length },
      });
    this.#fed.shift();
    const tokens: number[] = [];
    for (let row = 0; row < window.tokens.length; row++) {
      const token = sampled[row] as number;
      if (this.#isEnd(token)) this.#ended = 'stop';
      else {
        tokens.push(token);
        this.#commit(token);
        if (this.#committed === this.#limit) this.#ended = 'length';
      }
      const behind = row + 1 < window.tokens.length ? window.tokens[row + 1] : this.#fed[0]?.tokens[0];
      if (behind === token) this.#accepted++;
      if (this.#ended) break;
      if (behind === undefined || behind === token) continue;
      this.#epoch++;
      this.#fellAt = this.frontier;
      this.#forget();
      break;
    }
    this.#learn(window, tokens.length + (this.#ended === 'stop' ? 1 : 0), nowMs);
    if (this.#ended) this.#fed = [];
    return tokens;
  }

  /**
   * Forgets what is on its way and goes on from the frontier, once every stage holds the positions before it.
   *
   * @param epoch above the present one
   * @throws InferenceError ERR_INFERENCE_RANGE when it is not
   */
  restart(epoch: number): void {
    if (!(epoch > this.#epoch))
      throw new InferenceError('ERR_INFERENCE_RANGE', 'An epoch only rises.', {
        meta: { epoch, present: this.#epoch },
      });
    this.#epoch = epoch;
    this.#forget();
    this.#timed = false;
  }

  #forget(): void {
    if (this.#fed.length > 0) this.#behindForgotten = true;
    this.#fed = [];
  }

  #feed(position: number, first: readonly number[], draft: Draft, nowMs: number): VerifyWindow {
    const tokens = [...first, ...draft.tokens];
    const before = this.#fed.at(-1);
    this.#fed.push({
      position,
      tokens,
      classes: draft.classes,
      atMs: nowMs,
      timed: this.#timed,
      alone: !before && !this.#behindForgotten,
      fedBehindMs: before && nowMs - before.atMs,
    });
    this.#timed = true;
    this.#behindForgotten = false;
    this.#drafted += draft.tokens.length;
    return { epoch: this.#epoch, position, tokens };
  }

  /** The drafted tokens that are worth feeding now. */
  #chosen(): Draft {
    if (!this.#drafter || !this.#policy) return NO_DRAFT;
    const windows = this.#fed.length;
    const rowsInFlight = this.#rowsInFlight();
    const begins = windows === 0 ? 1 : 0;
    const end = windows === 0 ? this.frontier + 1 : this.frontier + rowsInFlight;
    // The row at this position gives the last token that can be committed.
    const lastRow = this.#firstPosition + this.#limit - 2;
    const max = Math.min(MAX_WINDOW_ROWS - begins, MAX_ROWS_IN_FLIGHT - rowsInFlight - begins, lastRow - end + 1);
    if (max < 1) return NO_DRAFT;
    // The first row on its way is the frontier, whatever it was when it was fed.
    const pending = this.#fed.flatMap(({ tokens }) => tokens).slice(1);
    const draft = this.#drafter.draft(pending, max);
    if (pending.length === 0) this.#guess = draft;
    // What is behind an end token is not needed, and that one only as a sample.
    const ends = draft.tokens.findIndex((token) => this.#isEnd(token));
    const classes = ends < 0 ? draft.classes : draft.classes.slice(0, ends);
    if (classes.length === 0) return NO_DRAFT;
    const fedClasses = this.#fed.flatMap((fed) => fed.classes);
    const pendingClasses = fedClasses.slice(fedClasses.length - pending.length);
    const inFlight = this.#fed.map(({ tokens }) => tokens.length);
    const count = this.#policy.drafts({ classes, pendingClasses, inFlight });
    return { tokens: draft.tokens.slice(0, count), classes: classes.slice(0, count) };
  }

  #commit(token: number): void {
    if (this.#drafter) {
      const { tokens, classes } = this.#guess ?? this.#drafter.draft([], 1);
      if (tokens.length > 0) this.#policy?.drafted(classes[0] as number, tokens[0] === token);
      this.#drafter.observe([token]);
      this.#guess = null;
    }
    this.#newest = token;
    this.#committed++;
  }

  #learn(window: Fed, tokens: number, nowMs: number): void {
    const elapsedMs = nowMs - Math.max(window.atMs, this.#resultAtMs);
    this.#resultAtMs = nowMs;
    if (!window.timed) return;
    this.#policy?.finished({
      rows: window.tokens.length,
      drafts: window.classes.length,
      tokens,
      elapsedMs,
      latencyMs: nowMs - window.atMs,
      alone: window.alone,
      fedBehindMs: window.fedBehindMs,
      confidenceClass: window.alone ? window.classes[0] : undefined,
    });
  }

  #rowsInFlight(): number {
    return this.#fed.reduce((sum, { tokens }) => sum + tokens.length, 0);
  }
}
