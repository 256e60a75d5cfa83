import { Engine } from '@blyan/inference';
import type { ModelManifest } from '@blyan/model';
import type { DemandCounter } from '@blyan/routing';
import type { MeasurableEngine } from './measure.ts';

type OpenRequest = Parameters<Engine['open']>[0];

/** How long after a call of another node an expert still counts as in use: answers that call it may go on. */
const IN_USE_MS = 60_000;

/** What is counted, and of which model. */
export interface CountedDemand {
  readonly model: ModelManifest;
  readonly counter: DemandCounter;
}

/** An engine that tells a counter which experts answers use here, and knows which are in use now. */
export class CountingEngine extends Engine {
  /** The same engine, for measurements of this node's own. */
  readonly uncounted: MeasurableEngine = {
    open: (request) => super.open(request),
    step: (request) => super.step(request),
    close: (request) => super.close(request),
    experts: (request) => super.experts(request),
    sample: (request) => super.sample(request),
  };
  readonly #sequences = new Map<string, OpenRequest>();
  /** [layer * experts + expert] -> when another node last called it. */
  readonly #served = new Map<number, number>();
  #counted: CountedDemand | null = null;

  count(counted: CountedDemand): void {
    this.#counted = counted;
  }

  override async open(request: OpenRequest): ReturnType<Engine['open']> {
    const result = await super.open(request);
    this.#sequences.set(request.sequence, request);
    return result;
  }

  override async close(request: Parameters<Engine['close']>[0]): ReturnType<Engine['close']> {
    const opened = this.#sequences.get(request.sequence);
    this.#sequences.delete(request.sequence);
    const usage = await super.close(request);
    if (usage !== null && opened !== undefined && opened.modelRoot === this.#counted?.model.root) {
      this.#counted.counter.answered(opened.firstLayer, opened.lastLayer, usage.expertRows, opened.localExperts);
    }
    return usage;
  }

  override experts(request: Parameters<Engine['experts']>[0]): ReturnType<Engine['experts']> {
    const { modelRoot, layer, groups } = request;
    if (modelRoot === this.#counted?.model.root) {
      for (const { expert, rows } of groups) {
        this.#counted.counter.served(layer, expert, rows.length);
        const slot = this.#slot(layer, expert);
        if (slot !== null) this.#served.set(slot, performance.now());
      }
    }
    return super.experts(request);
  }

  /**
   * Whether an answer under way may need this part of the counted model: a sequence is open over the layer, or the expert
   * was called within the last minute. Ends of the model (`layer` undefined) are in use while any sequence is open.
   */
  inUse(layer: number | undefined, expert: number | undefined): boolean {
    for (const { firstLayer, lastLayer } of this.#sequences.values()) {
      if (layer === undefined || (firstLayer <= layer && layer <= lastLayer)) return true;
    }
    const slot = layer === undefined || expert === undefined ? null : this.#slot(layer, expert);
    const servedAt = slot === null ? undefined : this.#served.get(slot);
    return servedAt !== undefined && performance.now() - servedAt < IN_USE_MS;
  }

  /** Null outside the model. */
  #slot(layer: number, expert: number): number | null {
    const { layerCount = 0, expertCount = 0 } = this.#counted?.model.spec ?? {};
    return layer < layerCount && expert < expertCount ? layer * expertCount + expert : null;
  }
}
