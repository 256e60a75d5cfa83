import type { Engine } from '@blyan/inference';
import { NodeError } from '../errors.ts';
import { CountingEngine } from './counting-engine.ts';

const EMPTY = { sequences: 0, queued: 0, freeKvBytes: 0, cachedKvBytes: 0, sessionBytes: 0 };

/** In the place of an engine where nothing is computed: no thread, no memory, no runtime, and whoever asks is refused. */
export class NoEngine extends CountingEngine {
  constructor(deps: ConstructorParameters<typeof Engine>[1]) {
    super({ kvBytes: 0, sessionBytes: 0, provider: 'cpu', threads: 1 }, deps);
  }

  override async start(): Promise<void> {}

  override async loadModel(): Promise<void> {}

  override async unloadModel(): Promise<boolean> {
    return true;
  }

  override async warm(): Promise<boolean> {
    return false;
  }

  override async status(): ReturnType<Engine['status']> {
    return EMPTY;
  }

  override async open(): ReturnType<Engine['open']> {
    throw computesNothing();
  }

  override async experts(): ReturnType<Engine['experts']> {
    throw computesNothing();
  }

  override async embed(): ReturnType<Engine['embed']> {
    throw computesNothing();
  }

  override async sample(): ReturnType<Engine['sample']> {
    throw computesNothing();
  }
}

export function computesNothing(): NodeError {
  const message = 'This gateway computes nothing itself: ask for the plan "auto" or "pipeline".';
  return new NodeError('ERR_NODE_PLAN_REFUSED', message, { kind: 'caller' });
}
