import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CONFIDENCE_CLASSES, type Drafter } from '../../src/speculation/drafter.ts';
import { NgramDrafter } from '../../src/speculation/ngram-drafter.ts';
import {
  MAX_ROWS_IN_FLIGHT,
  MAX_WINDOW_ROWS,
  MAX_WINDOWS,
  type SpeculationPolicy,
} from '../../src/speculation/speculation-policy.ts';
import { VerifyWindows } from '../../src/speculation/verify-windows.ts';
import { SimulatedPipeline } from './simulated-pipeline.ts';
import { mix, plainAnswer, repetitiveTarget, type Target, unit } from './simulated-target.ts';

const targets = fc.record({
  seed: fc.nat(1e6),
  vocabulary: fc.constantFrom(3, 20, 1000),
  repeats: fc.constantFrom(0, 0.5, 0.9, 0.99, 1),
  period: fc.integer({ min: 1, max: 20 }),
  ends: fc.constantFrom(0, 0.01),
});

/** Feeds any number of drafts at any time. */
function reckless(seed: number): SpeculationPolicy {
  let draws = 0;
  return {
    drafts: ({ classes }) => Math.floor(unit(mix(seed ^ draws++)) * (classes.length + 1)),
    wouldDraft: () => unit(mix(seed ^ draws++)) < 0.5,
    drafted: (confidenceClass) => expect(confidenceClass).toBeLessThan(CONFIDENCE_CLASSES),
    finished: ({ elapsedMs, latencyMs }) => {
      expect(elapsedMs).toBeGreaterThanOrEqual(0);
      expect(latencyMs).toBeGreaterThanOrEqual(elapsedMs);
    },
  };
}

/** Knows the future, and at times says something else. */
function oracle(target: Target, wrong: number, seed: number): Drafter {
  const text: number[] = [];
  let draws = 0;
  return {
    observe: (tokens) => void text.push(...tokens),
    draft: (pending, max) => {
      const prefix = [...text, ...pending];
      const tokens: number[] = [];
      for (let count = 0; count < max; count++) {
        const token = target([...prefix, ...tokens]);
        tokens.push(unit(mix(seed ^ draws++)) < wrong ? token + 1 : token);
      }
      return { tokens, classes: tokens.map(() => 3) };
    },
  };
}

const cases = fc.record({
  target: targets,
  prompt: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }),
  limit: fc.integer({ min: 1, max: 120 }),
  seed: fc.nat(1e6),
  drafter: fc.constantFrom('none', 'ngram', 'oracle'),
  failovers: fc.constantFrom(0, 0.1),
  prefilled: fc.boolean(),
});

test('the tokens are those of plain decoding, in order, once; what is on its way stays bounded', () => {
  let drafted = 0;
  let accepted = 0;
  fc.assert(
    fc.property(cases, ({ target: options, prompt, limit, seed, drafter, failovers, prefilled }) => {
      const target = repetitiveTarget(options);
      const drafters = {
        none: undefined,
        ngram: new NgramDrafter(),
        oracle: oracle(target, 0.1, seed),
      };
      const chosen = drafters[drafter as keyof typeof drafters];
      const windows = new VerifyWindows({
        context: prompt,
        limit,
        isEnd: (token) => token === 0,
        speculation: chosen && { drafter: chosen, policy: reckless(seed) },
      });
      const pipeline = new SimulatedPipeline(prompt.slice(0, -1), {
        target,
        linkMs: 10,
        stages: 2,
        stageMs: (rows) => rows,
        jitter: 0.5,
        seed,
      });
      const answer: number[] = [];
      let draws = 0;
      let isFed = false;
      if (prefilled) {
        windows.prefilling(pipeline.nowMs);
        pipeline.feed({ epoch: windows.epoch, position: prompt.length - 1, tokens: prompt.slice(-1) });
      }
      while (!windows.ended) {
        for (;;) {
          const window = windows.next(pipeline.nowMs, isFed);
          if (!window) break;
          if (isFed) expect(window).toMatchObject({ position: windows.frontier, tokens: [expect.any(Number)] });
          isFed = false;
          expect(window.epoch).toBe(windows.epoch);
          expect(window.tokens.length).toBeGreaterThan(0);
          expect(window.tokens.length).toBeLessThanOrEqual(MAX_WINDOW_ROWS);
          expect(window.position + window.tokens.length).toBeLessThan(prompt.length + limit);
          pipeline.feed(window);
        }
        const { windows: count, rows } = windows.inFlight;
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThanOrEqual(chosen ? MAX_WINDOWS : 1);
        expect(rows).toBeLessThanOrEqual(chosen ? MAX_ROWS_IN_FLIGHT : 1);
        if (unit(mix(seed ^ 0x77 ^ draws++)) < failovers) {
          pipeline.replaceStage(windows.frontier, 100);
          windows.restart(windows.epoch + 1);
          continue;
        }
        const isPlainNext = rows === 1 && windows.isPlainNext;
        const result = pipeline.result();
        const tokens = windows.verified(result, pipeline.nowMs);
        isFed = isPlainNext && tokens.length === 1;
        expect(tokens).toEqual(result.sampled.slice(0, tokens.length));
        answer.push(...tokens);
        expect(windows.frontier).toBe(prompt.length + answer.length - 1);
        // The same again, and one of long ago, change nothing.
        expect(windows.verified(result, pipeline.nowMs)).toEqual([]);
        expect(windows.verified({ ...result, epoch: -1 }, pipeline.nowMs)).toEqual([]);
      }
      expect(windows.next(pipeline.nowMs)).toBeNull();
      expect(answer).toEqual(plainAnswer(target, prompt, limit));
      expect(windows.ended).toBe(answer.length === limit ? 'length' : 'stop');
      drafted += windows.report.drafted;
      accepted += windows.report.accepted;
      expect(windows.report.accepted).toBeLessThanOrEqual(Math.min(windows.report.drafted, answer.length));
    }),
    { numRuns: 400 },
  );
  // It was about something.
  expect(accepted).toBeGreaterThan(1000);
  expect(drafted).toBeGreaterThan(accepted);
});
