import { type Clock, errorCode, type Logger, type PeerId } from '@blyan/interface';
import type { BlockRef } from '@blyan/model';
import { type ExpertDemand, type Moves, type NodeView, planMoves } from '@blyan/routing';
import type { HostedBlocks } from './hosted-blocks.ts';

/** Length of a round; the count of rounds since the epoch is the same everywhere, but for clocks. */
export const ROUND_MS = 120_000;
/** A node moves at a random moment of the middle of a round, so that records of the round before have arrived. */
const MIDDLE = { from: 0.2, to: 0.8 };
/** What may be fetched in a round, of the capacity; a whole layer always may. */
const MOVED_SHARE = 0.1;

export interface RebalancerDeps {
  readonly self: PeerId;
  readonly hosted: HostedBlocks;
  readonly views: () => readonly NodeView[];
  readonly demand: () => ExpertDemand;
  /** Whether an answer under way may need the block. */
  readonly inUse: (block: BlockRef) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Milliseconds from now to a random moment in the middle of this round, or of the next one. */
export function untilTurn(nowMs: number, thisRound: boolean, random: () => number = Math.random): number {
  const start = Math.floor(nowMs / ROUND_MS) * ROUND_MS;
  const earliest = Math.max(nowMs, start + MIDDLE.from * ROUND_MS);
  const end = start + MIDDLE.to * ROUND_MS;
  if (thisRound && earliest < end) return earliest - nowMs + random() * (end - earliest);
  return start + (1 + MIDDLE.from + random() * (MIDDLE.to - MIDDLE.from)) * ROUND_MS - nowMs;
}

/** Moves a node that places itself, once a round, to where the network needs it (`planMoves`). */
export class Rebalancer {
  readonly #deps: RebalancerDeps;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #moving: Promise<unknown> = Promise.resolve();

  constructor(deps: RebalancerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#schedule(true);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#moving;
  }

  /** One turn: removes what left long enough ago, and moves if that is a clear gain. @returns the move made, or null */
  async turn(): Promise<Moves | null> {
    const { self, hosted, views, demand, inUse, clock, logger } = this.#deps;
    const { signal } = this.#stopping;
    await hosted.release(inUse);
    // Something else is being fetched, or cannot be had: first that.
    if (hosted.missing().length > 0) return null;
    const { manifest } = hosted;
    const capacityBytes = await hosted.capacityBytes();
    const share = Math.max(capacityBytes * MOVED_SHARE, hosted.largestLayerBytes());
    const maxMoveBytes = Math.min(share, await hosted.roomBytes());
    const round = Math.floor(clock.nowMs() / ROUND_MS);
    const moves = planMoves({ manifest, views: views(), self, demand: demand(), capacityBytes, maxMoveBytes, round });
    if (moves.add.length === 0) return null;
    const { length: arriving } = moves.add;
    const fields = { arriving, leaving: moves.drop.length, costRatio: Number(moves.costRatio.toFixed(3)) };
    logger.info('moving to where the network needs it', fields);
    if (await hosted.move(moves, signal)) return moves;
    if (!signal.aborted) logger.info('a move was given up: not every block could be had', fields);
    return null;
  }

  #schedule(thisRound: boolean): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(
      () => {
        this.#moving = this.turn()
          .catch((error) => {
            if (!this.#stopping.signal.aborted) this.#deps.logger.warn('a move failed', { code: errorCode(error) });
          })
          .finally(() => this.#schedule(false));
      },
      untilTurn(this.#deps.clock.nowMs(), thisRound),
    );
  }
}
