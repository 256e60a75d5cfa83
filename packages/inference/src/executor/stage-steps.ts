import { errorCode } from '@blyan/interface';
import type { Engine } from '../engine.ts';
import { InferenceError } from '../errors.ts';
import type { AwaitedRow, DrawnToken, StepResult } from '../messages.ts';
import { encodeStepHead, RESULT } from '../wire.ts';
import type { InputLog } from './input-log.ts';
import type { AwaitedStep, OpenStage } from './open-stage.ts';
import type { PeerBlame } from './peer-blame.ts';
import type { StageOutbox } from './stage-outbox.ts';
import type { StageStep } from './stage-port.ts';
import { rowsOf, wrongStep } from './step-check.ts';

const PLAIN_GARBAGE = new Set(['ERR_INFERENCE_NOT_FINITE', 'ERR_INFERENCE_RANGE']);
/** Frames of one request that may come too late or twice before their sender counts as broken. */
const MAX_STALE_FRAMES = 1_024;

/** A step whose row is still to come. */
type AwaitingStep = StageStep & { readonly input: DrawnToken | AwaitedRow };

export interface StageStepsDeps {
  readonly engine: Engine;
  readonly log: InputLog;
  readonly outbox: StageOutbox;
  readonly faults: PeerBlame;
  readonly isOpen: (stage: OpenStage) => boolean;
}

/**
 * Computes the steps of stages and sends on what comes out; failures go to the coordinator. Where rows come over a lane and
 * leave over one, the engine is told beforehand what to do with the next row, and this side hears of it afterwards.
 */
export class StageSteps {
  readonly #deps: StageStepsDeps;

  constructor(deps: StageStepsDeps) {
    this.#deps = deps;
  }

  async take(stage: OpenStage, step: StageStep): Promise<void> {
    if (stage.isHalted) return;
    stage.touchedAtMs = performance.now();
    const { input } = step;
    if (!ArrayBuffer.isView(input)) return this.#await(stage, { ...step, input });
    // It may continue what the engine has already. A first stage waits for tokens, which this side may know before it says so.
    if (stage.firstLayer === 0) stage.markArrived(step.position);
    stage.takeArrived();
    const rows = rowsOf(input, stage.model.spec.hiddenSize);
    const verdict = stage.judge(step.epoch, step.position);
    // A few are under way whenever nodes are replaced or drafts fall.
    if (verdict === 'stale' && ++stage.staleFrames < MAX_STALE_FRAMES) return;
    const wrong = wrongStep(stage, step, input, rows, verdict);
    if (wrong !== null) {
      const { outbox, faults } = this.#deps;
      const message = `A step of ${rows} rows at position ${step.position} ${wrong.what}.`;
      const error = new InferenceError(wrong.code, message, { kind: 'peer' });
      // Order and amount may be wrong in the wake of something that failed here; what the rows are may not.
      if (PLAIN_GARBAGE.has(wrong.code)) faults.blame(stage.previous, 'garbage', wrong.code);
      else faults.nuisance(stage.previous, wrong.code);
      // A gap is what a connection leaves that broke.
      await outbox.failed(stage, error, { blame: stage.previous, reason: verdict === 'gap' ? 'gone' : 'garbage' });
      return;
    }
    this.forget(stage);
    // What is written anew must not be sent as it was.
    if (step.position < stage.received) this.#deps.log.truncate(stage.id, step.position);
    const taken = stage.take(step.epoch, step.position, rows);
    await this.#run(stage, step, rows, { taken });
  }

  /** The engine is not to wait for rows any longer; those that have come count. */
  forget(stage: OpenStage): void {
    stage.takeArrived();
    const taken = stage.awaited.filter((awaited) => awaited.taken !== null);
    if (taken.length < stage.awaited.length) this.#deps.engine.forgetRow(stage.id);
    stage.awaited = taken;
  }

  /** A step of one row that is not here yet. */
  #await(stage: OpenStage, step: AwaitingStep): Promise<void> {
    const arrived = new Int32Array(new SharedArrayBuffer(4));
    const awaited: AwaitedStep = { position: step.position, arrived, taken: null };
    stage.awaited = [...stage.awaited, awaited];
    return this.#run(stage, { ...step, input: { ...step.input, arrived } }, 1, awaited);
  }

  /** @param counted what it is taken as; null, and not among those awaited any longer, when it is given up */
  async #run(stage: OpenStage, step: StageStep, rows: number, counted: Pick<AwaitedStep, 'taken'>): Promise<void> {
    let result: StepResult | null = null;
    let error: unknown;
    try {
      result = await this.#compute(stage, step);
    } catch (cause) {
      error = cause;
    }
    const isGivenUp = counted.taken === null && !stage.awaited.some((awaited) => awaited === counted);
    stage.awaited = stage.awaited.filter((awaited) => awaited !== counted);
    // Or the token that its row would have been of ends the answer.
    const isCalledOff = counted.taken === null && errorCode(error) === 'ERR_INFERENCE_CANCELLED';
    if (isGivenUp || isCalledOff || !this.#deps.isOpen(stage)) return;
    const taken = counted.taken ?? stage.take(step.epoch, step.position, 1);
    stage.settled(taken, result !== null);
    // Overtaken by a rollback while it was computed.
    if (taken.isVoid) return;
    if (result === null) {
      stage.rollBack(step.position);
      await this.#deps.outbox.failed(stage, error, { reason: 'error' });
      return;
    }
    stage.touchedAtMs = performance.now();
    this.#send(stage, step, rows, result);
    await stage.sending;
    this.#awaitNext(stage);
  }

  async #compute(stage: OpenStage, step: StageStep): Promise<StepResult> {
    const { id: sequence, next, lane, requestId } = stage;
    const { epoch, position, wanted, input, sample, masks } = step;
    const output = next ? 'all' : wanted === 0 ? 'none' : sample ? 'sample' : 'last';
    const forward =
      lane === undefined || output === 'none' || output === 'sample'
        ? undefined
        : { lane, requestId, layer: next?.firstLayer ?? RESULT };
    const request = { sequence, epoch, position, input, output, wanted, sample, masks, forward } as const;
    const result = await this.#deps.engine.step(request);
    // On another plan by now: it went to the stage that was behind this one before.
    return stage.lane === lane ? result : { ...result, forwarded: false };
  }

  /** What the engine has not sent itself. */
  #send(stage: OpenStage, { epoch, position, wanted }: StageStep, rows: number, result: StepResult): void {
    const { hidden, tokens, forwarded } = result;
    const { outbox, log } = this.#deps;
    const { hiddenSize } = stage.model.spec;
    if (hidden && stage.next) log.append(stage.id, position, hidden);
    if (forwarded || stage.sendFrom === null) return;
    if (stage.next && hidden) {
      const skip = Math.min(rows, Math.max(0, stage.sendFrom - position));
      if (skip === rows) return;
      const sent = hidden.subarray(skip * hiddenSize);
      const from = position + skip;
      outbox.rows(stage, { epoch: stage.epoch, position: from, wanted: Math.min(wanted, rows - skip), rows: sent });
    } else if (wanted > 0) {
      const { requestId } = stage;
      outbox.result(stage, { requestId, epoch, position: position + rows - wanted, hidden, tokens });
    }
  }

  /** The next row, when it can only be one more: nothing is under way, and rows come and leave over lanes. */
  #awaitNext(stage: OpenStage): void {
    const { id, lane, laneBefore, isAtRest, isHalted, epoch, received: position, capacity, previous } = stage;
    if (lane === undefined || laneBefore === undefined || !isAtRest || isHalted || position >= capacity) return;
    const { requestId, firstLayer: layer } = stage;
    const head = encodeStepHead({ requestId, layer, epoch, position, wanted: 1 });
    const input = { awaited: id, from: previous, length: stage.model.spec.hiddenSize, head };
    void this.#await(stage, { epoch, position, wanted: 1, input });
  }
}
