/** Most rows of one window. */
export const MAX_WINDOW_ROWS = 16;
/** Most windows of one answer on their way. */
export const MAX_WINDOWS = 8;
/** Most rows of one answer on their way. */
export const MAX_ROWS_IN_FLIGHT = 64;

/** What could be fed now. */
export interface SpeculationOffer {
  /** Classes of the drafted tokens, in order, at least one. */
  readonly classes: readonly number[];
  /** Classes of the drafted tokens on their way, in order. */
  readonly pendingClasses: readonly number[];
  /** Rows of each window on its way. None: the next one begins with the newest committed token, drafts are its further rows. */
  readonly inFlight: readonly number[];
}

/** What came of a window. */
export interface WindowOutcome {
  readonly rows: number;
  /** Rows that were drafted. */
  readonly drafts: number;
  /** Tokens it gave, an end token among them. */
  readonly tokens: number;
  /** What it took of the answer's time: since it was fed or since the result before it, whichever is later. */
  readonly elapsedMs: number;
  /** Since it was fed. */
  readonly latencyMs: number;
  /** Nothing was on its way when it was fed, not even what no longer counts. */
  readonly alone: boolean;
  /** For one fed behind another window: from when that one was fed to when this one was. */
  readonly fedBehindMs?: number;
  /** For one fed alone, with drafts: the class of the first of them. It stood if there is more than one token. */
  readonly confidenceClass?: number;
}

/** Decides how much is fed ahead, and learns from what became of it. */
export interface SpeculationPolicy {
  /** How many of the drafted tokens to feed now; 0 is none. */
  drafts(offer: SpeculationOffer): number;
  /** Whether drafted tokens that begin with one of this class may be worth feeding, with nothing on its way. */
  wouldDraft(confidenceClass: number): boolean;
  /** Whether what the drafter said about the next token came true, fed or not; called for every committed token it spoke about. */
  drafted(confidenceClass: number, stood: boolean): void;
  /** A window's result, where its time means something: not after a prompt or a failover. */
  finished(outcome: WindowOutcome): void;
}
