import type { BlockOutline } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import type { Application, Judgement } from '../application/application.ts';
import type { BlockSource, PeerKey, ReplicaClock } from './ports.ts';

export interface BlockJobsDeps {
  readonly application: Application;
  readonly source: BlockSource;
  readonly clock: ReplicaClock;
  /** Milliseconds until what was not found is looked for again. */
  readonly retryMs: number;
  /** Who may have a block and its records; asked again before every request. */
  readonly holders: (block: BlockOutline) => readonly PeerKey[];
  /** Whether the verdict on a block still matters. */
  readonly isAwaited: (hash: Hash) => boolean;
  readonly judged: (block: BlockOutline, judgement: Judgement) => void;
  readonly fetched: (block: BlockOutline) => void;
  readonly failed: (error: unknown) => void;
}

/** Judges and fetches blocks. What a judgement lacks (records, or time) is waited for, as long as it matters. */
export class BlockJobs {
  readonly #deps: BlockJobsDeps;
  readonly #stopping = new AbortController();
  readonly #fetching = new Set<Hash>();
  readonly #judging = new Map<Hash, AbortController>();

  constructor(deps: BlockJobsDeps) {
    this.#deps = deps;
  }

  /** Ends everything; nothing is reported afterwards. */
  stop(): void {
    this.#stopping.abort();
    for (const job of this.#judging.values()) job.abort();
  }

  /** Ends the search for records of blocks whose verdict does not matter any more. */
  sweep(): void {
    for (const [hash, job] of this.#judging) if (!this.#deps.isAwaited(hash)) job.abort();
  }

  judge(block: BlockOutline): void {
    const judgement = this.#judgeNow(block);
    if (judgement.verdict === 'valid' || judgement.verdict === 'invalid') this.#deps.judged(block, judgement);
    else this.#wait(block, judgement).catch(this.#deps.failed);
  }

  fetch(hash: Hash, from: readonly PeerKey[]): void {
    if (this.#fetching.has(hash) || this.#stopping.signal.aborted) return;
    this.#fetching.add(hash);
    const { signal } = this.#stopping;
    this.#deps.source
      .outline(hash, from, signal)
      .catch(() => null)
      .then((block) => {
        this.#fetching.delete(hash);
        if (!signal.aborted && block?.hash === hash) this.#deps.fetched(block);
      })
      .catch(this.#deps.failed);
  }

  #judgeNow(block: BlockOutline): Judgement {
    const { application, clock } = this.#deps;
    return application.judge(block, clock.nowMs());
  }

  async #wait(block: BlockOutline, first: Judgement): Promise<void> {
    const { hash } = block;
    if (this.#judging.has(hash) || this.#stopping.signal.aborted) return;
    const job = new AbortController();
    this.#judging.set(hash, job);
    try {
      let judgement = first;
      while (judgement.verdict === 'missing' || judgement.verdict === 'early') {
        if (judgement.verdict === 'missing') await this.#fetchRecords(block, judgement.records, job.signal);
        else await this.#pause(judgement.atMs - this.#deps.clock.nowMs(), job.signal);
        if (job.signal.aborted || !this.#deps.isAwaited(hash)) return;
        judgement = this.#judgeNow(block);
      }
      this.#judging.delete(hash);
      this.#deps.judged(block, judgement);
    } finally {
      this.#judging.delete(hash);
    }
  }

  async #fetchRecords(block: BlockOutline, records: readonly Hash[], signal: AbortSignal): Promise<void> {
    const { source, application, holders, retryMs } = this.#deps;
    const found = await source.records(records, holders(block), signal).catch(() => []);
    if (signal.aborted) return;
    application.addRecords(found);
    // Some are there: the rest is asked for at once, perhaps of another peer.
    if (found.length === 0) await this.#pause(retryMs, signal);
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    return new Promise((resolve) => {
      const cancel = clock.wake(clock.monotonicMs() + Math.max(1, delayMs), resolve);
      const ended = () => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', ended, { once: true });
    });
  }
}
