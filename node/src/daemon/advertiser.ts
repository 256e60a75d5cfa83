import { modelView } from '@blyan/inference';
import { errorCode, type Logger } from '@blyan/interface';
import type { NodeRecords } from '@blyan/p2p';
import { RECORD_INTERVAL_MS } from '@blyan/params';
import { blockMap, type DemandCounter, demandLevels, hasBit, type MeasuredFigures } from '@blyan/routing';
import type { CountingEngine } from './counting-engine.ts';
import type { HostedBlocks } from './hosted-blocks.ts';
import { type EngineFigures, measureEngine } from './measure.ts';

const UNMEASURED: MeasuredFigures = {
  stepUs: 0,
  trunkUs: 0,
  expertUs: 0,
  headUs: 0,
  prefillRowUs: 0,
  bandwidthMBps: 0,
  messageUs: 0,
};

export interface AdvertiserOptions {
  readonly version: string;
  readonly tier: number;
  readonly profile: string;
  /** SPEC */
  readonly host: string;
  readonly gateway: boolean;
}

export interface AdvertiserDeps {
  readonly records: NodeRecords;
  readonly engine: CountingEngine;
  readonly demand: DemandCounter;
  readonly hosted: HostedBlocks;
  /** Sequences that run here. */
  readonly active: () => number;
  readonly logger: Logger;
}

/** Publishes this node's record: at once when what it hosts changes, and every few seconds for its load. */
export class Advertiser {
  readonly #options: AdvertiserOptions;
  readonly #deps: AdvertiserDeps;
  readonly #stopping = new AbortController();
  readonly #onChange = (): void => this.#publishSoon();
  readonly #onFilled = (): void => void this.#measureAgain();
  #measured = UNMEASURED;
  #measuring: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AdvertiserOptions, deps: AdvertiserDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Settles when the first record is out. */
  async start(): Promise<void> {
    this.#deps.hosted.on('change', this.#onChange);
    this.#timer = setInterval(() => this.#publishSoon(), RECORD_INTERVAL_MS);
    await this.#publish();
  }

  /**
   * Measures what is hosted and publishes the figures; from then on also what is hosted later. Blocks that turn out to
   * be lost leave the figures at what is known.
   * @throws the signal's reason
   */
  async measure(signal: AbortSignal): Promise<void> {
    const stopping = AbortSignal.any([signal, this.#stopping.signal]);
    this.#deps.hosted.on('filled', this.#onFilled);
    await this.#measure(stopping);
    signal.throwIfAborted();
  }

  async stop(): Promise<void> {
    const { hosted } = this.#deps;
    hosted.off('change', this.#onChange).off('filled', this.#onFilled);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#measuring;
  }

  #measure(signal: AbortSignal): Promise<void> {
    const { engine, hosted, logger } = this.#deps;
    const { manifest } = hosted;
    this.#measuring = this.#measuring.then(async () => {
      try {
        const figures = await measureEngine(engine.uncounted, modelView(manifest), manifest, hosted.bitmap(), signal);
        this.#measured = { ...UNMEASURED, ...figures };
        await this.#publish(true);
      } catch (error) {
        if (!signal.aborted) logger.warn('the speed of this node could not be measured', { code: errorCode(error) });
      }
    });
    return this.#measuring;
  }

  /** Blocks of a kind that was not here when it was measured have arrived. */
  async #measureAgain(): Promise<void> {
    const { signal } = this.#stopping;
    this.#publishSoon(true);
    await this.#measuring;
    if (!signal.aborted && lacks(this.#measured, this.#deps.hosted)) await this.#measure(signal);
  }

  #publishSoon(settled = false): void {
    this.#publish(settled).catch((error) => {
      this.#deps.logger.debug('the record was not published', { code: errorCode(error) });
    });
  }

  async #publish(settled = false): Promise<void> {
    const { engine, hosted, records, active, demand } = this.#deps;
    const { queued, freeKvBytes } = await engine.status();
    const blocks = hosted.bitmap();
    const levels = demandLevels(blocks, hosted.manifest, demand.computed());
    const advertisement = {
      ...this.#options,
      models: [{ root: hosted.manifest.root, blocks, ...(levels && { demand: levels }) }],
      measured: this.#measured,
      active: active(),
      queued,
      freeKvBytes: Math.max(0, Math.floor(freeKvBytes)),
    };
    records.publish(advertisement, settled);
  }
}

function lacks(measured: EngineFigures, hosted: HostedBlocks): boolean {
  const map = blockMap(hosted.manifest);
  const bits = hosted.bitmap();
  const hosts = (indices: readonly number[]) => indices.some((index) => hasBit(bits, index));
  return (
    (measured.trunkUs === 0 && hosts(map.trunks)) ||
    (measured.expertUs === 0 && hosts(map.experts.flat(2))) ||
    (measured.headUs === 0 && hosts([map.head]))
  );
}
