import { Engine } from '@blyan/inference';
import type { Root } from '@blyan/interface';
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

interface Counted extends CountedDemand {
  /** [layer * experts + expert] -> when another node last called it. */
  readonly served: Map<number, number>;
  /** When one was called, or a sequence ended, last. */
  usedAt: number;
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
  readonly #counted = new Map<Root, Counted>();

  count({ model, counter }: CountedDemand): void {
    this.#counted.set(model.root, { model, counter, served: new Map(), usedAt: Number.NEGATIVE_INFINITY });
  }

  uncount(root: Root): void {
    this.#counted.delete(root);
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
    if (usage !== null && opened !== undefined) {
      const { modelRoot, firstLayer, lastLayer, localExperts } = opened;
      const counted = this.#counted.get(modelRoot);
      if (counted !== undefined) counted.usedAt = performance.now();
      counted?.counter.answered(firstLayer, lastLayer, usage.expertRows, localExperts);
    }
    return usage;
  }

  override experts(request: Parameters<Engine['experts']>[0]): ReturnType<Engine['experts']> {
    const { modelRoot, layer, groups } = request;
    const counted = this.#counted.get(modelRoot);
    if (counted !== undefined) {
      counted.usedAt = performance.now();
      for (const { expert, rows } of groups) {
        counted.counter.served(layer, expert, rows.length);
        const slot = slotOf(counted, layer, expert);
        if (slot !== null) counted.served.set(slot, counted.usedAt);
      }
    }
    return super.experts(request);
  }

  /**
   * Whether an answer under way may need this part of the model: a sequence is open over the layer, or the expert was
   * called within the last minute. Ends of the model (`layer` undefined) are in use while any sequence is open.
   */
  inUse(root: Root, layer: number | undefined, expert: number | undefined): boolean {
    for (const { modelRoot, firstLayer, lastLayer } of this.#sequences.values()) {
      if (modelRoot !== root) continue;
      if (layer === undefined || (firstLayer <= layer && layer <= lastLayer)) return true;
    }
    const counted = this.#counted.get(root);
    if (counted === undefined || layer === undefined || expert === undefined) return false;
    const slot = slotOf(counted, layer, expert);
    const servedAt = slot === null ? undefined : counted.served.get(slot);
    return servedAt !== undefined && performance.now() - servedAt < IN_USE_MS;
  }

  /** Whether a sequence of the model is open, or was within the last `quietMs`, or one of its experts was called then. */
  isUsed(root: Root, quietMs: number): boolean {
    for (const { modelRoot } of this.#sequences.values()) if (modelRoot === root) return true;
    return performance.now() - (this.#counted.get(root)?.usedAt ?? Number.NEGATIVE_INFINITY) < quietMs;
  }
}

/** Null outside the model. */
function slotOf({ model }: Counted, layer: number, expert: number): number | null {
  const { layerCount, expertCount } = model.spec;
  return layer < layerCount && expert < expertCount ? layer * expertCount + expert : null;
}
