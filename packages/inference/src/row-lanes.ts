import type { PeerId } from '@blyan/interface';
import { InferenceError } from './errors.ts';
import { allFinite } from './finite.ts';
import type { AwaitedRow, Forward, LaneName } from './messages.ts';
import { encodeStep, RESULT, STEP_HEAD_BYTES, stepRows } from './wire.ts';

export interface RowLanesDeps {
  readonly send: (lane: number, parts: readonly Uint8Array[]) => boolean;
  /** Takes a frame that nothing here waits for; resolves when it does not take up room any longer. */
  readonly pass: (frame: LaneName & { body: Uint8Array<ArrayBuffer> }) => Promise<void>;
}

interface Waiting extends AwaitedRow {
  readonly use: (row: Float32Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Rows from engine to engine. The main thread says beforehand which row a step or a draw takes as its input; when just
 * that one comes it is computed with at once. All else that comes is passed on to the main thread, in its order.
 */
export class RowLanes {
  readonly #deps: RowLanesDeps;
  readonly #waiting = new Map<string, Waiting>();

  constructor(deps: RowLanesDeps) {
    this.#deps = deps;
  }

  /**
   * @param use begins in the moment the row comes: a step of the row behind it may be asked for right afterwards
   * @throws InferenceError ERR_INFERENCE_CANCELLED when it is forgotten, or another one is awaited by its name
   */
  take<T>(row: AwaitedRow, use: (row: Float32Array<ArrayBuffer>) => Promise<T>): Promise<T> {
    this.forget(row.awaited);
    return new Promise((resolve, reject) => {
      this.#waiting.set(row.awaited, { ...row, use: (values) => resolve(use(values)), reject });
    });
  }

  forget(name: string): void {
    this.#waiting.get(name)?.reject(forgotten());
    this.#waiting.delete(name);
  }

  /** @returns when the frame does not take up room any longer; undefined when it is dealt with */
  receive(peerId: PeerId, lane: number, body: Uint8Array<ArrayBuffer>): Promise<void> | undefined {
    for (const waiting of this.#waiting.values()) {
      if (waiting.from !== peerId || !isHeaded(body, waiting.head)) continue;
      const row = stepRows(body);
      // What is wrong with it is for the main thread to say.
      if (row.length !== waiting.length || !allFinite(row)) break;
      this.#waiting.delete(waiting.awaited);
      if (waiting.arrived) Atomics.store(waiting.arrived, 0, 1);
      waiting.use(row);
      return undefined;
    }
    return this.#deps.pass({ peerId, lane, body });
  }

  /** @returns false when the lane is closed */
  forward(
    { lane, requestId, layer }: Forward,
    {
      position,
      epoch = 0,
      wanted = 1,
    }: { readonly position: number; readonly epoch?: number; readonly wanted?: number },
    rows: number,
    hidden: Float32Array<ArrayBuffer>,
  ): boolean {
    const frame =
      layer === RESULT
        ? { requestId, layer, epoch, position: position + rows - wanted, wanted: 0, rows: hidden }
        : { requestId, layer, epoch, position, wanted, rows: hidden };
    return this.#deps.send(lane, encodeStep(frame));
  }
}

function isHeaded(body: Uint8Array, head: Uint8Array): boolean {
  if ((body.byteLength - STEP_HEAD_BYTES) % 4 !== 0) return false;
  for (let i = 0; i < STEP_HEAD_BYTES; i++) if (body[i] !== head[i]) return false;
  return true;
}

function forgotten(): InferenceError {
  return new InferenceError('ERR_INFERENCE_CANCELLED', 'The row that was awaited is not awaited any longer.');
}
