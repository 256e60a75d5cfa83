import { AppError } from '@blyan/interface';
import { beforeEach, describe, expect, test } from 'vitest';
import { InferenceError } from '../src/errors.ts';
import { Heap } from '../src/heap.ts';
import { KvCache } from '../src/kv-cache.ts';
import type { StepResult } from '../src/messages.ts';
import type { OpenSequence, SequenceStep } from '../src/open-sequence.ts';
import { StepQueue } from '../src/step-queue.ts';

const cache = new KvCache(new Heap(8 << 20), 4 << 20);
const code = (name: string) => expect.objectContaining({ code: name });

/** Passes as they began, each step as `name@position`; they end when `finish` is called. */
class Passes {
  readonly begun: string[][] = [];
  readonly #ends: { steps: readonly SequenceStep[]; end: (error?: Error) => void }[] = [];

  readonly run = (steps: readonly SequenceStep[]): Promise<StepResult[]> => {
    this.begun.push(steps.map(({ sequence, request }) => `${sequence.id}@${request.position}`));
    return new Promise((resolve, reject) => {
      const end = (error?: Error) => {
        for (const { sequence, request } of steps) sequence.kv.seek(sequence.kv.length + request.input.length);
        if (error) reject(error);
        else resolve(steps.map(({ request }) => ({ ms: request.position, rows: request.input.length })));
      };
      this.#ends.push({ steps, end });
    });
  };

  /** Ends the oldest pass that runs, and lets the queue go on. */
  async finish(error?: Error): Promise<void> {
    this.#ends.shift()?.end(error);
    await turn();
  }
}

/** Lets so many passes begin and end, one after the other. */
async function finish(count: number): Promise<void> {
  await turn();
  for (let i = 0; i < count; i++) await passes.finish();
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

let passes: Passes;
let queue: StepQueue;
let nowMs: number;
beforeEach(() => {
  passes = new Passes();
  nowMs = 0;
  queue = new StepQueue(passes.run, () => nowMs);
});

function open(id: string, options: { route?: string; remote?: boolean } = {}): OpenSequence {
  return {
    id,
    model: { spec: { hiddenSize: 4 } } as OpenSequence['model'],
    kv: cache.open(0, 0, 256, 1, 2),
    route: options.route ?? 'r',
    localExperts: new Uint8Array(),
    remote: options.remote ?? false,
    expertRows: new Uint32Array(),
    epoch: 0,
    steps: 0,
    ms: 0,
  };
}

function push(sequence: OpenSequence, position: number, rows = 1, epoch?: number): Promise<StepResult> {
  const step = { sequence: sequence.id, position, input: new Uint32Array(rows), output: 'none' as const, epoch };
  const result = queue.push(sequence, step);
  result.catch(() => undefined);
  return result;
}

describe('order', () => {
  test('steps of a sequence run one after the other, in the order they came', async () => {
    const a = open('a');
    const results = [push(a, 0, 5), push(a, 5), push(a, 6, 2)];
    for (let i = 0; i < 3; i++) {
      await turn();
      expect(passes.begun).toHaveLength(i + 1);
      await passes.finish();
    }
    expect(passes.begun).toEqual([['a@0'], ['a@5'], ['a@6']]);
    expect((await Promise.all(results)).map(({ rows }) => rows)).toEqual([5, 1, 2]);
  });

  test('short steps of one route run together, prompts and other routes in passes of their own', async () => {
    const [a, b, c, d, e] = [open('a'), open('b'), open('c', { route: 'other' }), open('d'), open('e')];
    push(a, 0);
    push(b, 0, 17);
    push(c, 0, 2);
    push(d, 0, 16);
    push(e, 0, 5);
    await finish(3);
    expect(passes.begun).toEqual([['a@0', 'd@0', 'e@0'], ['b@0'], ['c@0']]);
  });

  test('hidden states count as rows, whatever is asked of them', async () => {
    const [a, b, c] = [open('a'), open('b'), open('c')];
    const send = (sequence: OpenSequence, rows: number, output: 'all' | 'last') =>
      queue.push(sequence, { sequence: sequence.id, position: 0, input: new Float32Array(4 * rows), output });
    void send(a, 16, 'all');
    void send(b, 17, 'last');
    void send(c, 1, 'last');
    await finish(2);
    expect(passes.begun).toEqual([['a@0', 'c@0'], ['b@0']]);
  });

  test('the last row of a prompt does not overtake the rows before it', async () => {
    const [a, b] = [open('a'), open('b')];
    const results = [push(a, 0), push(b, 0, 40), push(b, 40)];
    await finish(3);
    expect(passes.begun).toEqual([['a@0'], ['b@0'], ['b@40']]);
    await Promise.all(results);
  });

  test('a pass has 32 sequences and 64 rows at most', async () => {
    const sequences = Array.from({ length: 40 }, (_, i) => open(`s${i}`));
    for (const sequence of sequences) push(sequence, 0);
    await finish(2);
    for (const sequence of sequences) push(sequence, 1, 7);
    await finish(5);
    expect(passes.begun.map((steps) => steps.length)).toEqual([32, 8, 9, 9, 9, 9, 4]);
    for (const sequence of sequences) sequence.kv.close();
  });

  test('a smaller step fills what one that does not fit leaves', async () => {
    const sequences = [16, 16, 16, 15, 2, 1, 3].map((rows, i) => {
      const sequence = open(`s${i}`);
      push(sequence, 0, rows);
      return sequence;
    });
    await finish(2);
    expect(passes.begun).toEqual([
      ['s0@0', 's1@0', 's2@0', 's3@0', 's5@0'],
      ['s4@0', 's6@0'],
    ]);
    for (const sequence of sequences) sequence.kv.close();
  });
});

describe('fairness', () => {
  test('prompts take turns, however many of their rows wait', async () => {
    const [a, b, c] = [open('a'), open('b'), open('c')];
    for (const at of [0, 32, 64]) push(a, at, 32);
    await turn();
    for (const at of [0, 20]) push(b, at, 20);
    await finish(1);
    push(c, 0, 20);
    await finish(5);
    expect(passes.begun.flat()).toEqual(['a@0', 'b@0', 'a@32', 'c@0', 'b@20', 'a@64']);
  });

  test('short steps go between two passes of prompts, and do not keep them waiting either', async () => {
    const [a, b, c, d] = [open('a'), open('b'), open('c'), open('d')];
    for (const at of [0, 32, 64]) push(a, at, 32);
    push(b, 0, 32);
    for (const at of [0, 1, 2]) push(c, at);
    await turn();
    push(d, 0, 3);
    await finish(1);
    push(d, 3);
    await finish(6);
    expect(passes.begun).toEqual([['c@0'], ['a@0'], ['d@0', 'c@1'], ['b@0'], ['d@3', 'c@2'], ['a@32'], ['a@64']]);
    await finish(1);
  });
});

describe('two groups', () => {
  const [a, b] = [open('a'), open('b')];

  /** Passes of 10 ms, of one of them while the other waits, until b waits and a has just got its result. */
  beforeEach(async () => {
    for (const { kv } of [a, b]) kv.seek(0);
    push(a, 0);
    await turn();
    for (const [sequence, at] of [
      [b, 0],
      [a, 1],
      [b, 1],
    ] as const) {
      push(sequence, at);
      nowMs += 10;
      await passes.finish();
    }
    expect(passes.begun.flat()).toEqual(['a@0', 'b@0', 'a@1']);
  });

  test('become one: who waits waits for who is about to come back', async () => {
    push(a, 2);
    await turn();
    expect(passes.begun.at(-1)).toEqual(['b@1', 'a@2']);
  });

  test('go on without the one that does not come', async () => {
    nowMs += 5;
    await expect.poll(() => passes.begun.at(-1)).toEqual(['b@1']);
  });

  test('and without the one that is closed', async () => {
    queue.whenIdle(a, () => undefined);
    await turn();
    expect(passes.begun.at(-1)).toEqual(['b@1']);
  });

  test('a prompt does not wait, nor does anybody after it', async () => {
    push(open('c'), 0, 20);
    await turn();
    expect(passes.begun.slice(3)).toEqual([['c@0']]);
    nowMs += 10;
    await finish(1);
    expect(passes.begun.at(-1)).toEqual(['b@1']);
  });
});

describe('epochs', () => {
  test('a step of a newer epoch makes older ones void that wait at its position or behind it', async () => {
    const [a, b] = [open('a'), open('b')];
    const running = push(a, 0, 10, 1);
    await turn();
    const [before, same, behind] = [push(a, 10, 4, 1), push(a, 14, 1, 1), push(a, 15, 1, 1)];
    const other = push(b, 0, 1, 1);
    const newer = push(a, 14, 2, 2);
    for (const stale of [same, behind]) await expect(stale).rejects.toThrow(code('ERR_INFERENCE_CANCELLED'));
    await finish(3);
    expect(passes.begun).toEqual([['a@0'], ['b@0', 'a@10'], ['a@14']]);
    expect((await Promise.all([running, before, other, newer])).length).toBe(4);
  });

  test('one that goes back before what waits makes all of it void', async () => {
    const a = open('a');
    push(a, 0, 10);
    await finish(1);
    const stale = [push(a, 10, 4), push(a, 14)];
    const newer = push(a, 8, 1, 5);
    for (const step of stale) await expect(step).rejects.toThrow(code('ERR_INFERENCE_CANCELLED'));
    await finish(1);
    expect([passes.begun.at(-1), a.kv.length, (await newer).rows]).toEqual([['a@8'], 9, 1]);
  });

  test('one of an older epoch that comes late is refused, one without an epoch is of the newest', async () => {
    const a = open('a');
    push(a, 0, 10, 3);
    await expect(push(a, 10, 1, 2)).rejects.toThrow(code('ERR_INFERENCE_CANCELLED'));
    const results = [push(a, 10, 1, 3), push(a, 11)];
    await finish(3);
    expect(passes.begun.flat()).toEqual(['a@0', 'a@10', 'a@11']);
    await Promise.all(results);
    expect(queue.length).toBe(0);
  });
});

describe('passes at once', () => {
  test('one that computes, beside those that wait for other nodes, of which there are 16 at most', async () => {
    const [a, b] = [open('a'), open('b', { route: 'other' })];
    const away = Array.from({ length: 20 }, (_, i) => open(`w${i}`, { route: `${i}`, remote: true }));
    for (const sequence of [a, b, ...away]) push(sequence, 0);
    await turn();
    expect(passes.begun.flat()).toEqual(['a@0', ...away.slice(0, 15).map(({ id }) => `${id}@0`)]);
    expect(queue.length).toBe(6);
    await passes.finish();
    expect(passes.begun.at(-1)).toEqual(['b@0']);
    for (const sequence of away) sequence.kv.close();
  });
});

describe('failure', () => {
  test('one bad step does not fail its neighbours: each is tried alone, from where it stood', async () => {
    const [a, b] = [open('a'), open('b')];
    push(a, 0, 3);
    await turn();
    await passes.finish();
    const [good, bad] = [push(a, 3), push(b, 0)];
    await turn();
    // As when a head gives NaN: the keys and values of both are written already.
    await passes.finish(new InferenceError('ERR_INFERENCE_NOT_FINITE', 'one of them'));
    expect([passes.begun.at(-1), a.kv.length]).toEqual([['a@3'], 3]);
    await passes.finish();
    await passes.finish(new InferenceError('ERR_INFERENCE_NOT_FINITE', 'this one'));
    expect((await good).rows).toBe(1);
    await expect(bad).rejects.toThrow('this one');
    expect([a.kv.length, b.kv.length]).toEqual([4, 0]);
    // The failed step can be asked for again.
    const again = push(b, 0);
    await turn();
    await passes.finish();
    expect((await again).rows).toBe(1);
  });

  test('a block that cannot be had fails them all with the first error', async () => {
    const results = [push(open('a'), 0), push(open('b'), 0)];
    await turn();
    await passes.finish(new AppError('ERR_STORE_CORRUPT', 'block abc is damaged'));
    expect(passes.begun).toHaveLength(1);
    for (const result of results) await expect(result).rejects.toThrow('block abc is damaged');
  });

  test.each([
    5,
    -1,
    0.5,
    Number.NaN,
  ])('a step at %d of an empty sequence is refused, its neighbours run', async (at) => {
    const results = [push(open('a'), 0), push(open('b'), at), push(open('c'), 0)];
    await turn();
    expect(passes.begun).toEqual([['a@0', 'c@0']]);
    await passes.finish();
    await expect(results[1]).rejects.toThrow(code('ERR_INFERENCE_POSITION'));
    expect((await Promise.all([results[0], results[2]])).length).toBe(2);
  });

  test('a step may go back, and the sequence stands behind its rows', async () => {
    const a = open('a');
    for (const [position, rows] of [
      [0, 10],
      [4, 2],
      [6, 1],
    ] as const) {
      push(a, position, rows);
      await turn();
      await passes.finish();
    }
    expect([passes.begun.flat(), a.kv.length]).toEqual([['a@0', 'a@4', 'a@6'], 7]);
    await expect(push(a, 8)).rejects.toThrow(code('ERR_INFERENCE_POSITION'));
  });
});

describe('closing', () => {
  test('refuses what waits, and calls back when the running pass has ended', async () => {
    const [a, b] = [open('a'), open('b', { route: 'other' })];
    const [running, waiting, other] = [push(a, 0, 2), push(a, 2), push(b, 0)];
    await turn();
    let closed = false;
    queue.whenIdle(a, () => {
      closed = true;
    });
    await expect(waiting).rejects.toThrow(code('ERR_INFERENCE_CANCELLED'));
    expect(closed).toBe(false);
    await passes.finish();
    expect(closed).toBe(true);
    expect((await running).rows).toBe(2);
    await passes.finish();
    expect((await other).rows).toBe(1);
    expect([queue.length, passes.begun]).toEqual([0, [['a@0'], ['b@0']]]);
  });

  test('calls back at once when nothing runs', () => {
    let closed = false;
    queue.whenIdle(open('a'), () => {
      closed = true;
    });
    expect(closed).toBe(true);
  });
});
