import type { FaultReason, PeerId } from '@blyan/interface';
import type { Plan } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import type { StageFailure, StageResult } from './stage-port.ts';

/** Most events of one request that wait to be looked at. */
const MAX_WAITING = 1_024;
/** Most bytes of rows among them. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** A node that must not be waited for any longer. */
export interface LostNode {
  readonly peerId: PeerId;
  readonly reason: FaultReason;
  readonly error: unknown;
  /** The neighbour that says so, which may be the one that is wrong. */
  readonly by?: PeerId;
}

export type RunEvent =
  | { readonly type: 'result'; readonly result: StageResult }
  | { readonly type: 'lost'; readonly lost: LostNode; readonly epoch?: number }
  /** Drawing behind a row failed. */
  | { readonly type: 'failed'; readonly error: unknown }
  /** Nothing came within the time given. */
  | { readonly type: 'late' };

/** What the nodes of one running plan send to its coordinator, in the order of arrival. */
export class RunInbox {
  #plan: Plan;
  #epoch = 0;
  /** Told at once of a node that is lost, so that calls to it can be given up. */
  onLost: ((peerId: PeerId, reason: FaultReason) => void) | null = null;
  readonly #events: RunEvent[] = [];
  #waitingBytes = 0;
  #wake: (() => void) | null = null;
  #signal: AbortSignal | null = null;
  #timer: NodeJS.Timeout | undefined;
  #firesAtMs = Number.POSITIVE_INFINITY;
  #lateAtMs = 0;
  /** Whoever waits looks what there is. */
  readonly #tell = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  };

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Whose messages count. */
  get plan(): Plan {
    return this.#plan;
  }

  /** The epoch in which the stages were put on the plan: what failed in an earlier one has been dealt with. */
  get epoch(): number {
    return this.#epoch;
  }

  /** From now on the messages of this plan's nodes count. */
  expect(plan: Plan, epoch: number): void {
    this.#plan = plan;
    this.#epoch = epoch;
  }

  push(event: RunEvent): void {
    const bytes = bytesOf(event);
    if (this.#events.length >= MAX_WAITING || this.#waitingBytes + bytes > MAX_WAITING_BYTES) return;
    this.#events.push(event);
    this.#waitingBytes += bytes;
    if (event.type === 'lost') this.onLost?.(event.lost.peerId, event.lost.reason);
    this.#tell();
  }

  /** Drops what waits of the loss of these nodes, and of failures under earlier plans: it has been dealt with. */
  forget(peers: ReadonlySet<PeerId>): void {
    const left = this.#events.filter(
      (event) =>
        event.type !== 'lost' || (!peers.has(event.lost.peerId) && (event.epoch ?? this.#epoch) >= this.#epoch),
    );
    this.#events.splice(0, this.#events.length, ...left);
  }

  /** The next event, `late` when none comes in time. One call at a time. @throws the signal's reason */
  async next(timeoutMs: number, signal: AbortSignal): Promise<RunEvent> {
    signal.throwIfAborted();
    if (this.#events.length === 0) await this.#news(timeoutMs, signal);
    signal.throwIfAborted();
    const event = this.#events.shift() ?? { type: 'late' };
    this.#waitingBytes -= bytesOf(event);
    return event;
  }

  /** Nobody waits any longer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#tell);
    this.#signal = null;
    this.#tell();
  }

  #news(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#signal !== signal) {
      this.#signal?.removeEventListener('abort', this.#tell);
      this.#signal = signal;
      signal.addEventListener('abort', this.#tell);
    }
    this.#lateAtMs = performance.now() + timeoutMs;
    // Between two tokens nothing is armed and nothing called off: a timer that fires before its time is set again.
    if (this.#lateAtMs < this.#firesAtMs) this.#arm(timeoutMs);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #arm(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#firesAtMs = performance.now() + timeoutMs;
    this.#timer = setTimeout(() => {
      this.#firesAtMs = Number.POSITIVE_INFINITY;
      if (!this.#wake) return;
      const leftMs = this.#lateAtMs - performance.now();
      if (leftMs > 0) this.#arm(leftMs);
      else this.#tell();
    }, timeoutMs);
  }
}

function bytesOf(event: RunEvent): number {
  return event.type === 'result' ? (event.result.hidden?.byteLength ?? 0) : 0;
}

/** Sorts what stages send to this node as coordinator by request, and takes it only from nodes of the request's plan. */
export class ResultInbox {
  readonly #runs = new Map<string, RunInbox>();

  open(requestId: string, plan: Plan): RunInbox {
    const run = new RunInbox(plan);
    this.#runs.set(requestId, run);
    return run;
  }

  /** A run that another one of the same request has replaced leaves that one alone. */
  close(requestId: string, run: RunInbox): void {
    run.close();
    if (this.#runs.get(requestId) === run) this.#runs.delete(requestId);
  }

  /** Only the last stage's node may deliver. */
  expects(from: PeerId, requestId: string): boolean {
    return this.#runs.get(requestId)?.plan.stages.at(-1)?.peerId === from;
  }

  deliver(from: PeerId, result: StageResult): void {
    if (this.expects(from, result.requestId)) this.#runs.get(result.requestId)?.push({ type: 'result', result });
  }

  /** Only a stage of the plan may report a failure, and blame only itself or the stages beside it. */
  fail(from: PeerId, { requestId, layer, epoch, blame = from, reason, error }: StageFailure): void {
    const run = this.#runs.get(requestId);
    // On its way since before the plan changed: its neighbours then are not its neighbours now.
    if (!run || epoch < run.epoch) return;
    const { stages } = run.plan;
    const index = stages.findIndex(({ peerId, firstLayer }) => peerId === from && firstLayer === layer);
    if (index < 0) return;
    const neighbours = [stages[index - 1], stages[index], stages[index + 1]].map((stage) => stage?.peerId);
    const peerId = neighbours.includes(blame) ? blame : from;
    const by = peerId === from ? undefined : from;
    run.push({ type: 'lost', lost: { peerId, reason, error, by }, epoch });
  }

  /** A node is gone or gives no sign of life: requests that run there must do without it. */
  lost(peerId: PeerId, reason: 'gone' | 'silent'): void {
    for (const run of this.#runs.values()) {
      const { stages, embedding, head } = run.plan;
      if (peerId !== embedding && peerId !== head && !stages.some((stage) => stage.peerId === peerId)) continue;
      const error = new InferenceError('ERR_INFERENCE_STAGE', 'A node that computes this answer is gone; ask again.', {
        kind: 'peer',
        meta: { peerId },
      });
      run.push({ type: 'lost', lost: { peerId, reason, error } });
    }
  }
}
