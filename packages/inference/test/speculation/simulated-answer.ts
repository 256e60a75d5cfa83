import { NgramDrafter } from '../../src/speculation/ngram-drafter.ts';
import type { SpeculationHistory } from '../../src/speculation/speculation-history.ts';
import { SpeculationRouter } from '../../src/speculation/speculation-router.ts';
import { VerifyWindows } from '../../src/speculation/verify-windows.ts';
import { type PipelineOptions, SimulatedPipeline } from './simulated-pipeline.ts';

export interface SimulatedAnswer {
  readonly tokens: readonly number[];
  readonly ms: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly feeds: readonly (readonly [windowsBefore: number, rows: number])[];
}

/** One answer of `limit` tokens on a pipeline that holds all of the prompt but its last token. */
export function simulatedAnswer(
  prompt: readonly number[],
  limit: number,
  options: PipelineOptions,
  history?: SpeculationHistory,
  always = false,
): SimulatedAnswer {
  const windows = new VerifyWindows({
    context: prompt,
    limit,
    isEnd: () => false,
    speculation: history && { drafter: new NgramDrafter(), policy: new SpeculationRouter(history, { always }) },
  });
  const pipeline = new SimulatedPipeline(prompt.slice(0, -1), options);
  const tokens: number[] = [];
  const feeds: [number, number][] = [];
  let isFed = false;
  while (!windows.ended) {
    for (;;) {
      const before = windows.inFlight.windows;
      const window = windows.next(pipeline.nowMs, isFed);
      if (!window) break;
      isFed = false;
      feeds.push([before, window.tokens.length]);
      pipeline.feed(window);
    }
    // As a coordinator does that has the first stage: the row behind a draw is fed before the token is known.
    const isPlainNext = windows.inFlight.rows === 1 && windows.isPlainNext;
    const verified = windows.verified(pipeline.result(), pipeline.nowMs);
    isFed = isPlainNext && verified.length === 1;
    tokens.push(...verified);
  }
  return { tokens, ms: pipeline.nowMs, ...windows.report, feeds };
}
