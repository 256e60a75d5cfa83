import type { PeerId } from '@blyan/interface';
import type { StageProgress } from './slow-stages.ts';

/** What a stage says it has computed is at the next one by then, milliseconds without any progress. */
const UNDELIVERED_MS = 4_000;
/** A step takes no longer, a cold node's first look at its blocks included. */
const STUCK_MS = 20_000;

/**
 * Finds where an answer is stuck, from what each stage says it has taken and computed, when nothing at all moves any more:
 * also before there is any history to be slow against, and also when a stage says it has done its part and has not.
 */
export class StalledStages {
  readonly #self: PeerId;
  #seen = '';
  #sinceMs = 0;

  constructor(self: PeerId) {
    this.#self = self;
  }

  /**
   * @param stages of the whole plan, in order
   * @param fedTo position behind the last row given to the first stage
   * @param isLastCall the answer ends otherwise: any suspicion is enough
   * @returns the node to be given up, or null
   */
  late(stages: readonly StageProgress[], fedTo: number, nowMs: number, isLastCall: boolean): PeerId | null {
    const seen = [fedTo, ...stages.map(({ received, computed }) => `${received} ${computed}`)].join();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#sinceMs = nowMs;
    }
    const stuck = this.#stuck(stages, fedTo);
    if (stuck === null || stuck.peerId === this.#self) return null;
    return isLastCall || nowMs - this.#sinceMs >= stuck.patienceMs ? stuck.peerId : null;
  }

  /** The first place that rows went into and did not come out of. */
  #stuck(stages: readonly StageProgress[], fedTo: number): { peerId: PeerId; patienceMs: number } | null {
    let from = this.#self;
    let due = fedTo;
    for (const { peerId, received, computed } of stages) {
      if (received === null || computed === null) return { peerId, patienceMs: STUCK_MS };
      // Not taken: the one before says it has sent them. This node knows that it has.
      if (received < due) return { peerId: from === this.#self ? peerId : from, patienceMs: UNDELIVERED_MS };
      if (computed < received) return { peerId, patienceMs: STUCK_MS };
      from = peerId;
      due = computed;
    }
    return { peerId: from, patienceMs: UNDELIVERED_MS };
  }
}
