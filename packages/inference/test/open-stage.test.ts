import type { Plan } from '@blyan/routing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OpenStage } from '../src/executor/open-stage.ts';
import type { ModelView } from '../src/index.ts';

const plan: Plan = {
  ...{ type: 'pipeline', modelRoot: 'ab'.repeat(32), profile: 'p', mixedProfile: false, fallbackOrder: [] },
  ...{ embedding: 'A', head: 'A', experts: [] },
  stages: [
    { peerId: 'B', firstLayer: 0, lastLayer: 0 },
    { peerId: 'C', firstLayer: 1, lastLayer: 2 },
    { peerId: 'D', firstLayer: 3, lastLayer: 3 },
  ],
};

function opened(): OpenStage {
  const opening = { requestId: 'f'.repeat(32), layer: 1, epoch: 0, capacity: 64, valid: 0, keys: [], plan };
  return new OpenStage({ ...opening, coordinator: 'A' }, plan.stages[1] as Plan['stages'][number], {} as ModelView, 0);
}

test('its neighbours are those of the plan, the coordinator before the first and nobody behind the last', () => {
  const stage = opened();
  expect([stage.previous, stage.next?.peerId]).toEqual(['B', 'D']);
  const cut = [
    { peerId: 'C', firstLayer: 0, lastLayer: 2 },
    { peerId: 'E', firstLayer: 3, lastLayer: 3 },
  ];
  stage.reroute({ ...plan, stages: [...plan.stages.slice(0, 2), cut[1] as Plan['stages'][number]] }, 1, 0);
  expect([stage.previous, stage.next?.peerId]).toEqual(['B', 'E']);
});

const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('next' as const), rows: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('compute' as const), rows: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('back' as const), rows: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reroute' as const), rows: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('fail' as const), rows: fc.constant(0) }) },
);

/**
 * The model: every row of the stage's text with a number of its own. An engine that computes steps in their order, and a
 * stage behind that takes what comes of steps that are not void, must end with exactly the rows that stand.
 */
test('what it has taken and what it has computed agree with a text that is written and rewritten', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), fc.nat(100), (actions, salt) => {
      const stage = opened();
      let written = 0;
      /** By position, what was taken; and what came out of it. */
      let text: number[] = [];
      let out: number[] = [];
      const queue: { pending: ReturnType<OpenStage['take']>; position: number; rows: number[] }[] = [];
      const push = (epoch: number, position: number, count: number) => {
        expect(stage.judge(epoch, position)).toBe('take');
        const rows = Array.from({ length: count }, () => ++written);
        queue.push({ pending: stage.take(epoch, position, count), position, rows });
        text = [...text.slice(0, position), ...rows];
        out = out.slice(0, position);
      };
      for (const { type, rows } of actions) {
        if (type === 'next') push(stage.epoch, stage.received, rows);
        // A draft falls only where it was computed.
        else if (type === 'back') push(stage.epoch + 1, (salt * rows) % (stage.computed + 1), rows);
        else if (type === 'reroute') {
          stage.reroute(plan, stage.epoch + 1, rows);
          expect(stage.received).toBeLessThanOrEqual(Math.max(rows, 0));
          expect(stage.sendFrom).toBeNull();
          expect(stage.isHalted).toBe(false);
          text = text.slice(0, stage.received);
          out = out.slice(0, stage.received);
        } else {
          const step = queue.shift();
          if (!step) continue;
          stage.settled(step.pending, type === 'compute');
          if (step.pending.isVoid) continue;
          if (type === 'compute') out = [...out.slice(0, step.position), ...step.rows];
          else {
            stage.rollBack(step.position);
            text = text.slice(0, step.position);
            out = out.slice(0, step.position);
          }
        }
        expect(stage.received).toBe(text.length);
        expect(stage.computed).toBe(out.length);
        expect(stage.computed).toBeLessThanOrEqual(stage.received);
        expect(out).toEqual(text.slice(0, out.length));
        expect(stage.judge(stage.epoch, stage.received + 1)).toBe('gap');
        if (stage.received > 0) expect(stage.judge(stage.epoch, stage.received - 1)).toBe('stale');
        if (stage.epoch > 0) expect(stage.judge(stage.epoch - 1, stage.received)).toBe('stale');
      }
      // What is not void is computed in the end, and stands.
      for (const { pending, position, rows } of queue) {
        stage.settled(pending, true);
        if (!pending.isVoid) out = [...out.slice(0, position), ...rows];
      }
      expect(out).toEqual(text);
      expect(stage.computed).toBe(stage.received);
      expect(stage.pendingRows).toBe(0);
    }),
    { numRuns: 500 },
  );
});
