import type { PlanType, Root, Timing } from '@blyan/interface';
import { type Cost, totalMs } from './cost.ts';
import type { Correction, Forecast } from './forecast.ts';

const MAX_ENTRIES = 64;
/** Weight of the newest answer. */
const ALPHA = 0.3;
const MIN_FACTOR = 0.1;
const MAX_FACTOR = 20;

/**
 * Learns, per plan type and model, how far forecasts are off: an exponential average of measured over forecast time,
 * of logarithms, network time taken out of both because it is measured. Keeps the 64 pairs used last.
 */
export class ForecastHistory {
  readonly #entries = new Map<string, Correction>();

  /** The factors for the next forecast; 1 before the first measurement. */
  correction(type: PlanType, modelRoot: Root): Correction {
    return this.#entries.get(`${type} ${modelRoot}`) ?? { firstToken: 1, perToken: 1 };
  }

  /** @param breakdown the forecast's, uncorrected; figures of `measured` that are not positive are ignored */
  record(type: PlanType, modelRoot: Root, breakdown: Forecast['breakdown'], measured: Timing): void {
    const key = `${type} ${modelRoot}`;
    const old = this.#entries.get(key);
    const next = {
      firstToken: learn(old?.firstToken, breakdown.firstToken, measured.msToFirstToken),
      perToken: learn(old?.perToken, breakdown.perToken, measured.msPerToken),
    };
    this.#entries.delete(key);
    this.#entries.set(key, next);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES) break;
      this.#entries.delete(oldest);
    }
  }
}

function learn(old: number | undefined, cost: Cost, measuredMs: number): number {
  const local = totalMs(cost) - cost.networkMs;
  if (!(measuredMs > 0) || !Number.isFinite(measuredMs) || !(local > 0)) return old ?? 1;
  const ratio = Math.min(MAX_FACTOR, Math.max(MIN_FACTOR, (measuredMs - cost.networkMs) / local));
  return old === undefined ? ratio : Math.exp((1 - ALPHA) * Math.log(old) + ALPHA * Math.log(ratio));
}
