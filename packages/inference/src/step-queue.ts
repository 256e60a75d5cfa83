import type { OpenSequence } from './engine-core.ts';
import { InferenceError } from './errors.ts';
import type { StepRequest, StepResult } from './messages.ts';

/** Most sequences computed in one pass. */
const MAX_BATCH = 32;
/** Most passes that may wait for remote experts at once. */
const MAX_PASSES = 16;

interface Pending {
  readonly sequence: OpenSequence;
  readonly request: StepRequest;
  readonly resolve: (result: StepResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Orders steps: those of one sequence one after the other, decode steps of one route together in a pass, a prompt's
 * rows in a pass of their own. Passes that only compute run one at a time; passes of routes with remote experts may
 * overlap, because they mostly wait.
 */
export class StepQueue {
  readonly #run: (batch: readonly { sequence: OpenSequence; request: StepRequest }[]) => Promise<StepResult[]>;
  readonly #waiting: Pending[] = [];
  readonly #busy = new Set<OpenSequence>();
  readonly #idle = new Map<OpenSequence, () => void>();
  #passes = 0;
  #computing = false;

  constructor(run: (batch: readonly { sequence: OpenSequence; request: StepRequest }[]) => Promise<StepResult[]>) {
    this.#run = run;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(sequence: OpenSequence, request: StepRequest): Promise<StepResult> {
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
    return !this.#computing || sequence.localExperts.includes(0);
  }

  #together(first: Pending): Pending[] {
    const seen = new Set<OpenSequence>();
    return this.#waiting
      .filter((pending) => {
        const fits =
          isDecode(pending) && pending.sequence.route === first.sequence.route && !seen.has(pending.sequence);
        if (!fits || this.#busy.has(pending.sequence)) return false;
        seen.add(pending.sequence);
        return true;
      })
      .slice(0, MAX_BATCH);
  }

  async #pass(batch: readonly Pending[]): Promise<void> {
    const computing = !(batch[0] as Pending).sequence.localExperts.includes(0);
    this.#passes++;
    if (computing) this.#computing = true;
    const ready = batch.filter((pending) => this.#atItsPosition(pending));
    try {
      const results = ready.length === 0 ? [] : await this.#run(ready);
      ready.forEach((pending, index) => {
        pending.resolve(results[index] as StepResult);
      });
    } catch (error) {
      // One bad step must not fail its neighbours: they are tried alone.
      if (ready.length === 1) (ready[0] as Pending).reject(error);
      else for (const pending of ready) await this.#alone(pending);
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
      const [result] = await this.#run([pending]);
      pending.resolve(result as StepResult);
    } catch (error) {
      pending.reject(error);
    }
  }

  /** A step continues the sequence, or goes back to an earlier position and computes on from there. */
  #atItsPosition(pending: Pending): boolean {
    const { sequence, request } = pending;
    if (request.position > sequence.kv.length || request.position < 0) {
      const message = `The sequence stands at ${sequence.kv.length}; a step at ${request.position} would leave a gap.`;
      pending.reject(new InferenceError('ERR_INFERENCE_POSITION', message, { kind: 'peer' }));
      return false;
    }
    sequence.kv.seek(request.position);
    return true;
  }
}

function isDecode({ request }: Pending): boolean {
  return request.input instanceof Uint32Array
    ? request.input.length === 1
    : request.output !== 'none' && request.output !== 'all';
}
