import type { Figure } from './figure.ts';

export interface BenchContext {
  /** Smaller models and fewer rounds. */
  readonly quick: boolean;
  /** Where checkpoints and imported models are kept for the next run. */
  readonly workDir: string;
  /** A folder with node-llama-cpp installed. */
  readonly llamaDir: string | null;
}

export interface BenchRun extends BenchContext {
  readonly signal: AbortSignal;
  /** Progress, for people. */
  readonly say: (text: string) => void;
  /** Hands over a figure as soon as it is known. */
  readonly report: (figure: Figure) => void;
}

/** One entry of the catalog; runs in a process of its own and leaves nothing running. */
export interface Benchmark {
  readonly name: string;
  /** What is measured, against what, and the formula where the limit has one. */
  readonly about: string;
  readonly run: (context: BenchRun) => Promise<void>;
}
