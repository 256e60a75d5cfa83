import { AppError } from '@blyan/interface';
import { InferenceError } from './errors.ts';
import type { StepResult } from './messages.ts';
import type { OpenSequence, SequenceStep } from './open-sequence.ts';
import { ReturnForecast } from './return-forecast.ts';

/** Most sequences computed in one pass. */
const MAX_BATCH = 32;
/** Most rows of a step that is computed beside others: one token, or a draft that is verified. */
const MAX_SHORT_ROWS = 16;
/** Most rows of a pass of short steps: four tiles of the products. */
const MAX_BATCH_ROWS = 64;
/** Most passes that may wait for remote experts at once. */
const MAX_PASSES = 16;

interface Pending extends SequenceStep {
  readonly rows: number;
  readonly resolve: (result: StepResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Orders steps: those of one sequence one after the other, short ones of one route together in a pass, a prompt's rows
 * in a pass of their own. Prompts take turns, and between two of their passes those who wait with short steps have
 * theirs; these wait a little for others who are about to join them. Passes that only compute run one at a time; passes of routes with remote experts may overlap, because they
 * mostly wait.
 */
export class StepQueue {
  readonly #run: (batch: readonly SequenceStep[]) => Promise<StepResult[]>;
  /** In the order of their turns. */
  readonly #waiting: Pending[] = [];
  readonly #busy = new Set<OpenSequence>();
  readonly #idle = new Map<OpenSequence, () => void>();
  #passes = 0;
  #computing = false;
  #promptWasLast = true;
  readonly #returns: ReturnForecast;
  readonly #now: () => number;
  readonly #isAlone: () => boolean;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param now milliseconds, never less than before
   * @param isAlone whether no other sequence could come: then a step waits for nobody
   */
  constructor(
    run: (batch: readonly SequenceStep[]) => Promise<StepResult[]>,
    now: () => number = () => performance.now(),
    isAlone: () => boolean = () => false,
  ) {
    this.#run = run;
    this.#now = now;
    this.#isAlone = isAlone;
    this.#returns = new ReturnForecast(now);
  }

  get length(): number {
    return this.#waiting.length;
  }

  /**
   * Computes a step when its turn comes. Without an epoch it belongs to the newest of its sequence.
   * @throws InferenceError ERR_INFERENCE_CANCELLED when a step of a newer epoch makes it void, or the sequence is closed
   */
  push(sequence: OpenSequence, request: SequenceStep['request']): Promise<StepResult> {
    const { epoch = sequence.epoch, position } = request;
    if (epoch < sequence.epoch) return Promise.reject(superseded());
    if (epoch > sequence.epoch) {
      sequence.epoch = epoch;
      // Rows before it are still what it continues.
      this.#drop((step) => step.sequence === sequence && step.request.position >= position, superseded);
    }
    this.#returns.came(sequence);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ sequence, request, rows: rowsOf(sequence, request), resolve, reject });
      // Steps that arrive in the same turn are computed together.
      if (this.#isAlone()) queueMicrotask(() => this.#pump());
      else setImmediate(() => this.#pump());
    });
  }

  /** Calls back once no pass uses the sequence; steps of it that still wait are refused. */
  whenIdle(sequence: OpenSequence, callback: () => void): void {
    this.#drop((step) => step.sequence === sequence, closed);
    this.#returns.gone(sequence);
    setImmediate(() => this.#pump());
    if (this.#busy.has(sequence)) this.#idle.set(sequence, callback);
    else callback();
  }

  #drop(which: (step: Pending) => boolean, error: () => InferenceError): void {
    for (const step of this.#waiting.filter(which)) {
      this.#waiting.splice(this.#waiting.indexOf(step), 1);
      step.reject(error());
    }
  }

  #pump(): void {
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) {
      for (const step of batch) {
        this.#waiting.splice(this.#waiting.indexOf(step), 1);
        this.#busy.add(step.sequence);
      }
      void this.#pass(batch);
    }
  }

  /** The steps of the next pass; none when nothing may run. */
  #next(): Pending[] {
    const ready = this.#ready();
    const short = ready.find(isShort);
    const prompt = ready.find((step) => !isShort(step));
    if (short && (!prompt || this.#promptWasLast)) {
      const waitMs = prompt ? 0 : this.#returns.waitMs(short.sequence.route);
      if (waitMs > 0) return this.#later(waitMs);
      this.#promptWasLast = false;
      return together(ready, short.sequence.route);
    }
    if (!prompt) return [];
    this.#promptWasLast = true;
    return [prompt];
  }

  /** Nothing now: what waits is looked at again when a step comes, or after this time. */
  #later(waitMs: number): Pending[] {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), waitMs);
    return [];
  }

  /** Of every sequence that may run the first step: a later one must not overtake rows before it. */
  #ready(): Pending[] {
    if (this.#passes >= MAX_PASSES) return [];
    const seen = new Set<OpenSequence>(this.#busy);
    return this.#waiting.filter(({ sequence }) => {
      if (seen.has(sequence)) return false;
      seen.add(sequence);
      return !this.#computing || sequence.remote;
    });
  }

  /** What else of a sequence waits has its turn after the others who wait already. */
  #toTheBack(sequence: OpenSequence): void {
    const own = this.#waiting.filter((step) => step.sequence === sequence);
    if (own.length === 0) return;
    const rest = this.#waiting.filter((step) => step.sequence !== sequence);
    this.#waiting.splice(0, this.#waiting.length, ...rest, ...own);
  }

  async #pass(batch: readonly Pending[]): Promise<void> {
    const computing = !(batch[0] as Pending).sequence.remote;
    this.#passes++;
    if (computing) this.#computing = true;
    const ready = batch.filter((pending) => this.#atItsPosition(pending));
    const started = this.#now();
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
      const passMs = this.#now() - started;
      for (const step of batch) {
        const { sequence } = step;
        if (this.#comesBack(step)) this.#returns.ended(sequence, passMs);
        this.#busy.delete(sequence);
        this.#toTheBack(sequence);
        this.#idle.get(sequence)?.();
        this.#idle.delete(sequence);
      }
      this.#pump();
    }
  }

  /** Whether the next step of its sequence is still to come and may share a pass. Passes with remote experts overlap. */
  #comesBack(step: Pending): boolean {
    const { sequence } = step;
    const isOver = sequence.remote || this.#idle.has(sequence);
    return isShort(step) && !isOver && !this.#waiting.some((other) => other.sequence === sequence);
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

function isShort({ rows }: Pending): boolean {
  return rows <= MAX_SHORT_ROWS;
}

/** Short steps of a route that fit one pass, in their order. */
function together(ready: readonly Pending[], route: string): Pending[] {
  const batch: Pending[] = [];
  let rows = 0;
  for (const step of ready) {
    if (!isShort(step) || step.sequence.route !== route || rows + step.rows > MAX_BATCH_ROWS) continue;
    batch.push(step);
    rows += step.rows;
    if (batch.length === MAX_BATCH) break;
  }
  return batch;
}

function rowsOf({ model }: OpenSequence, { input }: SequenceStep['request']): number {
  return input instanceof Uint32Array ? input.length : Math.ceil(input.length / model.spec.hiddenSize);
}

function closed(): InferenceError {
  return new InferenceError('ERR_INFERENCE_CANCELLED', 'The sequence was closed before this step ran.');
}

function superseded(): InferenceError {
  return new InferenceError('ERR_INFERENCE_CANCELLED', 'A step of a newer epoch has taken the place of this one.');
}
