import { expect } from 'vitest';
import type { VerifiedWindow, VerifyWindow } from '../../src/speculation/verify-windows.ts';
import { mix, type Target, unit } from './simulated-target.ts';

export interface PipelineOptions {
  readonly target: Target;
  /** One way, milliseconds; there is a link before, between and behind the stages. */
  readonly linkMs: number;
  readonly stages: number;
  /** Milliseconds a stage computes a window of so many rows. */
  readonly stageMs: (rows: number) => number;
  /** Share by which times vary. */
  readonly jitter: number;
  readonly seed: number;
}

/**
 * Stages that hold a sequence and compute windows in the order they were fed, on a clock of their own. Because links
 * keep the order, a window's end is known when it is fed.
 */
export class SimulatedPipeline {
  nowMs = 0;
  readonly #options: PipelineOptions;
  /** What all stages hold; the same on each, for all see the same windows in the same order. */
  #held: number[];
  readonly #freeAtMs: number[];
  #draws = 0;
  readonly #results: { readonly atMs: number; readonly result: VerifiedWindow }[] = [];

  constructor(held: readonly number[], options: PipelineOptions) {
    this.#held = [...held];
    this.#options = options;
    this.#freeAtMs = Array.from({ length: options.stages }, () => 0);
  }

  feed({ epoch, position, tokens }: VerifyWindow): void {
    const { target, stages } = this.#options;
    // A stage cannot compute what comes behind positions it does not hold.
    expect(position).toBeLessThanOrEqual(this.#held.length);
    this.#held.length = position;
    const sampled = tokens.map((token) => {
      this.#held.push(token);
      return target(this.#held);
    });
    let atMs = this.nowMs + this.#link();
    for (let stage = 0; stage < stages; stage++) {
      const startMs = Math.max(atMs, this.#freeAtMs[stage] as number);
      const endMs = startMs + this.#options.stageMs(tokens.length) * this.#varied();
      this.#freeAtMs[stage] = endMs;
      atMs = Math.max(endMs + this.#link(), stage === stages - 1 ? (this.#results.at(-1)?.atMs ?? 0) : 0);
    }
    this.#results.push({ atMs, result: { epoch, position, sampled } });
  }

  /** The next result, and the clock at its arrival. */
  result(): VerifiedWindow {
    const next = this.#results.shift();
    if (!next) throw new Error('nothing on its way');
    this.nowMs = next.atMs;
    return next.result;
  }

  /** A stage is replaced: the new one computed what stands before `position`; results on their way still come. */
  replaceStage(position: number, forMs: number): void {
    this.nowMs += forMs;
    this.#held.length = Math.min(this.#held.length, position);
  }

  #link(): number {
    return this.#options.linkMs * this.#varied();
  }

  #varied(): number {
    return 1 + this.#options.jitter * (2 * unit(mix(this.#options.seed ^ this.#draws++)) - 1);
  }
}
