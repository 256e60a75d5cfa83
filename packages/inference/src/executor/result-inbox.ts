import type { PeerId } from '@blyan/interface';
import type { Plan } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import { STEP_TIMEOUT_MS } from './deadlines.ts';
import type { StageResult } from './stage-host.ts';

interface Waiting {
  readonly plan: Plan;
  readonly arrived: Map<number, StageResult>;
  error: unknown;
  wake: (() => void) | null;
}

/** Results that stages return to this node as coordinator, by request and position. */
export class ResultInbox {
  readonly #requests = new Map<string, Waiting>();

  open(requestId: string, plan: Plan): void {
    this.#requests.set(requestId, { plan, arrived: new Map(), error: undefined, wake: null });
  }

  close(requestId: string): void {
    this.#requests.delete(requestId);
  }

  /** Only the last stage's node may deliver. */
  deliver(from: PeerId, result: StageResult): void {
    const request = this.#requests.get(result.requestId);
    if (!request || request.plan.stages.at(-1)?.peerId !== from) return;
    request.arrived.set(result.position, result);
    request.wake?.();
  }

  /** Only a node of the plan may report a failure. */
  fail(from: PeerId, requestId: string, error: unknown): void {
    const request = this.#requests.get(requestId);
    if (!request?.plan.stages.some(({ peerId }) => peerId === from)) return;
    request.error ??= error;
    request.wake?.();
  }

  /** A connection was lost: requests that run there fail. */
  lost(peerId: PeerId): void {
    for (const request of this.#requests.values()) {
      if (!request.plan.stages.some((stage) => stage.peerId === peerId)) continue;
      request.error ??= new InferenceError(
        'ERR_INFERENCE_STAGE',
        'A node that computes this answer is gone; ask again.',
        { kind: 'peer', meta: { peerId } },
      );
      request.wake?.();
    }
  }

  /** @throws what a stage reported; InferenceError ERR_INFERENCE_DEADLINE; the signal's reason */
  async wait(requestId: string, position: number, signal: AbortSignal): Promise<StageResult> {
    const request = this.#requests.get(requestId);
    if (!request) throw new InferenceError('ERR_INFERENCE_CANCELLED', 'The request was closed.');
    const deadline = performance.now() + STEP_TIMEOUT_MS;
    for (;;) {
      signal.throwIfAborted();
      if (request.error !== undefined) throw request.error;
      const result = request.arrived.get(position);
      if (result) {
        request.arrived.delete(position);
        return result;
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        throw new InferenceError(
          'ERR_INFERENCE_DEADLINE',
          `The stages gave no result within ${STEP_TIMEOUT_MS / 1000} s; ask again, or choose another plan.`,
          { kind: 'peer' },
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          request.wake = null;
          resolve();
        };
        request.wake = done;
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }
}
