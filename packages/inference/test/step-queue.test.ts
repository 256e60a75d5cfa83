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

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

let passes: Passes;
let queue: StepQueue;
beforeEach(() => {
  passes = new Passes();
  queue = new StepQueue(passes.run);
});

function open(id: string, options: { route?: string; remote?: boolean } = {}): OpenSequence {
  return {
    id,
    model: { spec: { hiddenSize: 4 } } as OpenSequence['model'],
    kv: cache.open(0, 0, 64, 1, 2),
    route: options.route ?? 'r',
    localExperts: new Uint8Array(),
    remote: options.remote ?? false,
    expertRows: new Uint32Array(),
    steps: 0,
    ms: 0,
  };
}

function push(sequence: OpenSequence, position: number, rows = 1): Promise<StepResult> {
  const step = { sequence: sequence.id, position, input: new Uint32Array(rows), output: 'none' as const };
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

  test('single rows of one route run together, a prompt and other routes in passes of their own', async () => {
    const [a, b, c, d] = [open('a'), open('b'), open('c', { route: 'other' }), open('d')];
    for (const [sequence, rows] of [
      [a, 1],
      [b, 3],
      [c, 1],
      [d, 1],
    ] as const)
      push(sequence, 0, rows);
    for (let i = 0; i < 3; i++) {
      await turn();
      await passes.finish();
    }
    expect(passes.begun).toEqual([['a@0', 'd@0'], ['b@0'], ['c@0']]);
  });

  test('hidden states count as rows, whatever is asked of them', async () => {
    const [a, b, c] = [open('a'), open('b'), open('c')];
    const send = (sequence: OpenSequence, rows: number, output: 'all' | 'last') =>
      queue.push(sequence, { sequence: sequence.id, position: 0, input: new Float32Array(4 * rows), output });
    void send(a, 1, 'all');
    void send(b, 2, 'last');
    void send(c, 1, 'last');
    await turn();
    await passes.finish();
    expect(passes.begun).toEqual([['a@0', 'c@0'], ['b@0']]);
  });

  test('the last row of a prompt does not overtake the rows before it', async () => {
    const [a, b] = [open('a'), open('b')];
    const results = [push(a, 0), push(b, 0, 4), push(b, 4)];
    for (let i = 0; i < 3; i++) {
      await turn();
      await passes.finish();
    }
    expect(passes.begun).toEqual([['a@0'], ['b@0'], ['b@4']]);
    await Promise.all(results);
  });

  test('a pass has 32 sequences at most', async () => {
    const sequences = Array.from({ length: 40 }, (_, i) => open(`s${i}`));
    for (const sequence of sequences) push(sequence, 0);
    await turn();
    await passes.finish();
    expect(passes.begun.map((steps) => steps.length)).toEqual([32, 8]);
    for (const sequence of sequences) sequence.kv.close();
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
    const [a, b] = [open('a'), open('b')];
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
