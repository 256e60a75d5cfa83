import { errorCode, type Logger } from '@blyan/interface';
import type { NodeRecords } from '@blyan/p2p';
import { RECORD_INTERVAL_MS } from '@blyan/params';
import { blockMap, demandLevels, type HostedModel, hasBit, type MeasuredFigures } from '@blyan/routing';
import type { CountingEngine } from './counting-engine.ts';
import { type EngineFigures, measureEngine } from './measure.ts';
import type { ServedVersion, ServedVersions } from './served-versions.ts';

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
  readonly versions: ServedVersions;
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
  /** Model that was measured. */
  #measuredRoot = '';
  #measuring: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AdvertiserOptions, deps: AdvertiserDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Settles when the first record is out. */
  async start(): Promise<void> {
    this.#deps.versions.on('change', this.#onChange);
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
    this.#deps.versions.on('filled', this.#onFilled);
    await this.#measure(stopping);
    signal.throwIfAborted();
  }

  async stop(): Promise<void> {
    const { versions } = this.#deps;
    versions.off('change', this.#onChange).off('filled', this.#onFilled);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#measuring;
  }

  #measure(signal: AbortSignal): Promise<void> {
    const { engine, versions, logger } = this.#deps;
    this.#measuring = this.#measuring.then(async () => {
      const { manifest, view, hosted } = versions.current;
      try {
        const figures = await measureEngine(engine.uncounted, view, manifest, hosted.bitmap(), signal);
        this.#measured = { ...UNMEASURED, ...figures };
        this.#measuredRoot = manifest.root;
        await this.#publish(true);
      } catch (error) {
        if (!signal.aborted) logger.warn('the speed of this node could not be measured', { code: errorCode(error) });
      }
    });
    return this.#measuring;
  }

  /** Blocks of a kind that was not here when it was measured have arrived, or another version is served. */
  async #measureAgain(): Promise<void> {
    const { signal } = this.#stopping;
    this.#publishSoon(true);
    await this.#measuring;
    const { current } = this.#deps.versions;
    const isOther = current.manifest.root !== this.#measuredRoot;
    if (!signal.aborted && (isOther || lacks(this.#measured, current))) await this.#measure(signal);
  }

  #publishSoon(settled = false): void {
    this.#publish(settled).catch((error) => {
      this.#deps.logger.debug('the record was not published', { code: errorCode(error) });
    });
  }

  async #publish(settled = false): Promise<void> {
    const { engine, versions, records, active } = this.#deps;
    const { queued, freeKvBytes } = await engine.status();
    const advertisement = {
      ...this.#options,
      models: versions.all().map(advertised),
      measured: this.#measured,
      active: active(),
      queued,
      freeKvBytes: Math.max(0, Math.floor(freeKvBytes)),
    };
    records.publish(advertisement, settled);
  }
}

function advertised({ manifest, hosted, counter }: ServedVersion): HostedModel {
  const blocks = hosted.bitmap();
  const levels = demandLevels(blocks, manifest, counter.computed());
  return { root: manifest.root, blocks, ...(levels && { demand: levels }) };
}

function lacks(measured: EngineFigures, { manifest, hosted }: ServedVersion): boolean {
  const map = blockMap(manifest);
  const bits = hosted.bitmap();
  const hosts = (indices: readonly number[]) => indices.some((index) => hasBit(bits, index));
  return (
    (measured.trunkUs === 0 && hosts(map.trunks)) ||
    (measured.expertUs === 0 && hosts(map.experts.flat(2))) ||
    (measured.headUs === 0 && hosts([map.head]))
  );
}
