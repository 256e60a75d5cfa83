import { AppError } from '@blyan/interface';
import { InferenceError } from './errors.ts';
import type { StepResult } from './messages.ts';
import type { OpenSequence, SequenceStep } from './open-sequence.ts';

/** Most sequences computed in one pass. */
const MAX_BATCH = 32;
/** Most passes that may wait for remote experts at once. */
const MAX_PASSES = 16;

interface Pending extends SequenceStep {
  readonly resolve: (result: StepResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Orders steps: those of one sequence one after the other, decode steps of one route together in a pass, a prompt's
 * rows in a pass of their own. Passes that only compute run one at a time; passes of routes with remote experts may
 * overlap, because they mostly wait.
 */
export class StepQueue {
  readonly #run: (batch: readonly SequenceStep[]) => Promise<StepResult[]>;
  readonly #waiting: Pending[] = [];
  readonly #busy = new Set<OpenSequence>();
  readonly #idle = new Map<OpenSequence, () => void>();
  #passes = 0;
  #computing = false;

  constructor(run: (batch: readonly SequenceStep[]) => Promise<StepResult[]>) {
    this.#run = run;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(sequence: OpenSequence, request: SequenceStep['request']): Promise<StepResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ sequence, request, resolve, reject });
      // Steps that arrive in the same turn are computed together.
      setImmediate(() => this.#pump());
    });
  }

  /** Calls back once no pass uses the sequence; steps of it that still wait are refused. */
  whenIdle(sequence: OpenSequence, callback: () => void): void {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const pending = this.#waiting[index] as Pending;
      if (pending.sequence !== sequence) continue;
      this.#waiting.splice(index, 1);
      pending.reject(new InferenceError('ERR_INFERENCE_CANCELLED', 'The sequence was closed before this step ran.'));
    }
    if (this.#busy.has(sequence)) this.#idle.set(sequence, callback);
    else callback();
  }

  #pump(): void {
    for (;;) {
      const index = this.#waiting.findIndex((pending) => this.#mayRun(pending));
      if (index < 0) return;
      const first = this.#waiting[index] as Pending;
      const batch = isDecode(first) ? this.#together(first) : [first];
      for (const pending of batch) {
        this.#waiting.splice(this.#waiting.indexOf(pending), 1);
        this.#busy.add(pending.sequence);
      }
      void this.#pass(batch);
    }
  }

  #mayRun({ sequence }: Pending): boolean {
    if (this.#busy.has(sequence) || this.#passes >= MAX_PASSES) return false;
    return !this.#computing || sequence.remote;
  }

  #together(first: Pending): Pending[] {
    const seen = new Set<OpenSequence>();
    return this.#waiting
      .filter((pending) => {
        const { sequence } = pending;
        // Its first waiting step or none: a later one must not overtake rows of a prompt.
        if (seen.has(sequence) || this.#busy.has(sequence)) return false;
        seen.add(sequence);
        return isDecode(pending) && sequence.route === first.sequence.route;
      })
      .slice(0, MAX_BATCH);
  }

  async #pass(batch: readonly Pending[]): Promise<void> {
    const computing = !(batch[0] as Pending).sequence.remote;
    this.#passes++;
    if (computing) this.#computing = true;
    const ready = batch.filter((pending) => this.#atItsPosition(pending));
    try {
      const results = ready.length === 0 ? [] : await this.#run(ready);
      ready.forEach((pending, index) => {
        pending.resolve(results[index] as StepResult);
      });
    } catch (error) {
      if (ready.length === 1 || isShared(error)) {
        for (const pending of ready) fail(pending, error);
      } else {
        // One bad step must not fail its neighbours: they are tried alone.
        for (const pending of ready) await this.#alone(pending);
      }
    } finally {
      this.#passes--;
      if (computing) this.#computing = false;
      for (const { sequence } of batch) {
        this.#busy.delete(sequence);
        this.#idle.get(sequence)?.();
        this.#idle.delete(sequence);
      }
      this.#pump();
    }
  }

  async #alone(pending: Pending): Promise<void> {
    try {
      // The pass before may have got beyond the layers.
      pending.sequence.kv.seek(pending.request.position);
      const [result] = await this.#run([pending]);
      pending.resolve(result as StepResult);
    } catch (error) {
      fail(pending, error);
    }
  }

  /** A step continues the sequence, or goes back to an earlier position and computes on from there. */
  #atItsPosition(pending: Pending): boolean {
    const { sequence, request } = pending;
    if (!Number.isInteger(request.position) || request.position > sequence.kv.length || request.position < 0) {
      const message = `The sequence stands at ${sequence.kv.length}; a step at ${request.position} would leave a gap.`;
      pending.reject(new InferenceError('ERR_INFERENCE_POSITION', message, { kind: 'peer' }));
      return false;
    }
    sequence.kv.seek(request.position);
    return true;
  }
}

/** The sequence stands where it stood, so that the step can be asked for again. */
function fail({ sequence, request, reject }: Pending, error: unknown): void {
  sequence.kv.seek(request.position);
  reject(error);
}

/** A block that cannot be had fails every step of the pass, and the first error says more than a second try's. */
function isShared(error: unknown): boolean {
  return error instanceof AppError && !error.code.startsWith('ERR_INFERENCE');
}

function isDecode({ sequence, request }: Pending): boolean {
  const rows = request.input instanceof Uint32Array ? 1 : sequence.model.spec.hiddenSize;
  return request.input.length === rows;
}
