import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CloseRequest, type OpenRequest, PAGE_POSITIONS, pageKeys } from '../src/index.ts';
import { engineOver, GREEDY, openRandom, type TestEngine } from './harness.ts';

const KV_BYTES = 4 << 20;
const PROMPT = Array.from({ length: 80 }, (_, i) => (i * 37) % 250);
const code = (name: string) => expect.objectContaining({ code: name });

describe.each(['f32', 'i8'] as const)('%s', (dtype) => {
  const cleanup = new AsyncDisposableStack();
  let model: TestEngine;
  let engine: TestEngine['engine'];

  beforeAll(async () => {
    const dir = cleanup.use(await temporaryDirectory());
    const sizes = {
      architecture: 'qwen3_moe',
      hiddenSize: 72,
      headDim: 10,
      expertCount: 4,
      contextLength: 512,
    } as const;
    model = cleanup.use(await openRandom(dir.path, sizes, { dtype }));
  }, 30_000);
  afterAll(() => cleanup.disposeAsync());
  beforeEach(() => {
    engine = engineOver(model.store, model.model, { kvBytes: KV_BYTES });
    return () => engine.stop();
  });

  function open(sequence: string, change: Partial<OpenRequest> = {}): number {
    const { layerCount, expertCount } = model.model.spec;
    return engine.open({
      ...{ sequence, modelRoot: model.model.root, firstLayer: 0, lastLayer: layerCount - 1, capacity: 160, route: '' },
      localExperts: new Uint8Array(layerCount * expertCount).fill(1),
      ...change,
    }).position;
  }

  /** Keys of the pages of a prompt that may be taken: its last row is always computed. */
  const prefixOf = (tokens: readonly number[], scope = 'peer') => ({
    scope,
    keys: pageKeys(tokens.slice(0, tokens.length - 1)),
  });

  /** Base64 of the logits behind the last of the tokens. */
  async function logits(sequence: string, position: number, tokens: readonly number[]): Promise<string> {
    const input = Uint32Array.from(tokens);
    const { tokens: drawn } = await engine.step({ sequence, position, input, output: 'sample', sample: GREEDY });
    return drawn?.[0]?.logits as string;
  }

  /** An answer of given tokens to a prompt: where it began to compute, and the logits of each row. */
  async function answer(
    tokens: readonly number[],
    options: { prefix?: OpenRequest['prefix']; keys?: CloseRequest['keys']; said?: readonly number[] } = {},
  ): Promise<{ from: number; rows: string[] }> {
    const from = open('answer', options.prefix ? { prefix: options.prefix } : {});
    const rows = [await logits('answer', from, tokens.slice(from))];
    for (const [i, token] of (options.said ?? [7, 8, 9]).entries()) {
      rows.push(await logits('answer', tokens.length + i, [token]));
    }
    engine.close(options.keys ? { sequence: 'answer', keys: options.keys } : { sequence: 'answer' });
    return { from, rows };
  }

  test('a prompt whose last 16 tokens differ takes the pages before them, and has the bits of its own', async () => {
    const other = [...PROMPT.slice(0, 64), ...Array.from({ length: 16 }, (_, i) => 200 + i)];
    const [alone, otherAlone] = [await answer(PROMPT), await answer(other)];
    expect(await answer(PROMPT, { prefix: prefixOf(PROMPT) })).toEqual(alone);
    expect(engine.status().cachedKvBytes).toBeGreaterThan(0);
    expect(await answer(other, { prefix: prefixOf(other) })).toEqual({ ...otherAlone, from: 64 });
    expect(await answer(PROMPT, { prefix: prefixOf(PROMPT) })).toEqual({ ...alone, from: 64 });
    expect(otherAlone.rows).not.toEqual(alone.rows);
  });

  test('partial hits, and a second turn that goes on behind the answer', async () => {
    const forked = PROMPT.with(40, 1);
    const expected = await answer(forked);
    const said = Array.from({ length: 20 }, (_, i) => 100 + i);
    // The last token of an answer is not computed.
    await answer(PROMPT, { prefix: prefixOf(PROMPT), said, keys: pageKeys([...PROMPT, ...said]) });
    expect(await answer(forked, { prefix: prefixOf(forked) })).toEqual({ ...expected, from: 32 });
    const turn = [...PROMPT, ...said, 1, 2, 3];
    const fresh = await answer(turn);
    expect(await answer(turn, { prefix: prefixOf(turn) })).toEqual({ ...fresh, from: 96 });
  });

  test('pages are of one scope, one range of layers and one engine', async () => {
    const { layerCount } = model.model.spec;
    await answer(PROMPT, { prefix: prefixOf(PROMPT) });
    expect(open('a', { prefix: prefixOf(PROMPT, 'other') })).toBe(0);
    expect(open('b', { prefix: prefixOf(PROMPT), lastLayer: layerCount - 2 })).toBe(0);
    expect(open('c', { prefix: prefixOf(PROMPT), firstLayer: 1 })).toBe(0);
    expect(open('d', { prefix: prefixOf(PROMPT) })).toBe(64);
  });

  test('more keys than rows are refused', () => {
    const keys = pageKeys(PROMPT);
    expect(() => open('a', { capacity: 64, prefix: { scope: 'peer', keys } })).toThrow(code('ERR_INFERENCE_RANGE'));
    expect(open('a', { capacity: 65, prefix: { scope: 'peer', keys } })).toBe(0);
  });

  test('a neighbour that goes back into shared pages changes nothing of theirs', async () => {
    const [alone, winding] = [await answer(PROMPT), await answer([...PROMPT.slice(0, 40), 5, 6, 7])];
    await answer(PROMPT, { prefix: prefixOf(PROMPT) });
    const [a, b] = [open('a', { prefix: prefixOf(PROMPT) }), open('b', { prefix: prefixOf(PROMPT) })];
    expect([a, b]).toEqual([64, 64]);
    expect(await logits('a', 40, [5, 6, 7])).toBe(winding.rows[0]);
    expect(await logits('b', 64, PROMPT.slice(64))).toBe(alone.rows[0]);
    engine.close({ sequence: 'a' });
    expect(await logits('b', 80, [7])).toBe(alone.rows[1]);
    engine.close({ sequence: 'b' });
    expect(await answer(PROMPT, { prefix: prefixOf(PROMPT) })).toEqual({ ...alone, from: 64 });
  });

  test('pages that a new sequence needs are given up, those in use are not', async () => {
    const alone = await answer(PROMPT);
    await answer(PROMPT, { prefix: prefixOf(PROMPT) });
    expect(open('reader', { prefix: prefixOf(PROMPT) })).toBe(64);
    let opened = 0;
    const fill = () => {
      for (;;) open(`fill ${opened++}`, { capacity: 512 });
    };
    expect(fill).toThrow(code('ERR_INFERENCE_BUSY'));
    expect(engine.status().cachedKvBytes).toBeLessThanOrEqual(engine.status().freeKvBytes);
    expect(await logits('reader', 64, PROMPT.slice(64))).toBe(alone.rows[0]);
    engine.close({ sequence: 'reader' });
    for (let i = 0; i < opened; i++) engine.close({ sequence: `fill ${i}` });
    expect(engine.status()).toMatchObject({ freeKvBytes: KV_BYTES, sequences: 0 });
    expect(await answer(PROMPT, { prefix: prefixOf(PROMPT) })).toEqual({ ...alone, from: 64 });
  });

  test('a sequence that ends in the middle of a pass leaves what was computed when the pass is over', async () => {
    const alone = await answer(PROMPT);
    const prefix = prefixOf(PROMPT);
    open('a', { prefix });
    await engine.step({ sequence: 'a', position: 0, input: Uint32Array.from(PROMPT.slice(0, 40)), output: 'none' });
    const rest = Uint32Array.from(PROMPT.slice(40));
    const running = engine.step({ sequence: 'a', position: 40, input: rest, output: 'none' });
    // The queue starts it in its next turn.
    await new Promise((resolve) => setImmediate(resolve));
    engine.close({ sequence: 'a' });
    expect(engine.status().cachedKvBytes).toBe(0);
    await running;
    await new Promise((resolve) => setImmediate(resolve));
    expect(await answer(PROMPT, { prefix })).toEqual({ ...alone, from: 64 });

    open('b', { prefix: prefixOf(PROMPT, 'failing') });
    const whole = Uint32Array.from(PROMPT);
    await engine.step({ sequence: 'b', position: 0, input: whole.slice(0, 40), output: 'none' });
    const bad = { sequence: 'b', position: 40, input: new Float32Array(72 * 40).fill(Number.NaN) };
    const failing = engine.step({ ...bad, output: 'sample', sample: GREEDY });
    await new Promise((resolve) => setImmediate(resolve));
    engine.close({ sequence: 'b', keys: pageKeys(PROMPT) });
    await expect(failing).rejects.toThrow(code('ERR_INFERENCE_NOT_FINITE'));
    expect(open('c', { prefix: prefixOf(PROMPT, 'failing') })).toBe(PAGE_POSITIONS);
  });

  test('memory is whole again when all has ended', async () => {
    await answer(PROMPT);
    const before = engine.heapBytes;
    for (let i = 0; i < 6; i++) {
      const prompt = PROMPT.with(20 * (i % 3), i);
      await answer(prompt, { prefix: prefixOf(prompt), keys: pageKeys([...prompt, 7, 8]) });
    }
    expect(engine.heapBytes).toBe(before + engine.status().cachedKvBytes);
    expect(engine.status().cachedKvBytes).toBeGreaterThan(0);
    engine.clearPrefixes();
    expect([engine.heapBytes, engine.status().cachedKvBytes]).toEqual([before, 0]);
  });
});
