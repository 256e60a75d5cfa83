import { chmod, copyFile, open, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chain, whole } from './chain.ts';
import { engineOver, generate, openRandom, type TestEngine } from './harness.ts';
import { firstDifference } from './noise.ts';

const PROMPT = [5, 6, 7, 8, 9];
const PARTS = ['embedding', 'trunk', 'expert', 'head'] as const;
const SIZES = { architecture: 'qwen2_moe', layerCount: 1, expertCount: 3, expertsPerToken: 3 } as const;

async function writable<T>(path: string, work: () => Promise<T>): Promise<T> {
  await chmod(path, 0o644);
  try {
    return await work();
  } finally {
    await chmod(path, 0o444);
  }
}

/** Flips one bit in the middle of the file, in place. */
async function flip(path: string): Promise<void> {
  await writable(path, async () => {
    await using file = await open(path, 'r+');
    const at = Math.floor((await file.stat()).size / 2);
    const byte = new Uint8Array(1);
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] as number) ^ 1;
    await file.write(byte, 0, 1, at);
  });
}

describe.each(['f32', 'i8'] as const)('%s blocks on disk', (dtype) => {
  const cleanup = new AsyncDisposableStack();
  let dir: string;
  let model: TestEngine;
  let expected: readonly Float32Array[];

  beforeAll(async () => {
    dir = cleanup.use(await temporaryDirectory()).path;
    model = cleanup.use(await openRandom(dir, SIZES, { dtype }));
    expected = (await generate(model, 's', PROMPT, 3)).logits;
  }, 30_000);
  afterAll(() => cleanup.disposeAsync());

  function rootOf(part: (typeof PARTS)[number]): string {
    const { embedding, head, trunks, experts } = model.model;
    const expert = experts[0]?.[1]?.[0];
    return { embedding, head, trunk: trunks[0] as string, expert: expert as string }[part];
  }

  async function expectWhole(): Promise<void> {
    const { logits } = await generate(model, 's', PROMPT, 3);
    expect(logits.map((row, i) => firstDifference(row, expected[i] as Float32Array))).toEqual([-1, -1, -1]);
  }

  /** Does harm to a block, and puts it back afterwards, as a repair from a peer would. */
  async function harm(root: string, damage: (path: string) => Promise<void>, then: () => Promise<void>): Promise<void> {
    const [path, copy, fresh] = [model.store.pathOf(root), join(dir, 'copy'), model.store.tempPath()];
    await copyFile(path, copy);
    await damage(path);
    await then();
    await copyFile(copy, fresh);
    await model.store.admit(fresh, root);
    await rm(copy, { force: true });
    await expectWhole();
  }

  // Quantised matrices are repacked into memory, where nothing that happens to the file can reach them.
  const mapped = PARTS.filter((part) => dtype === 'f32' || part === 'embedding');
  const repacked = PARTS.filter((part) => !mapped.includes(part));

  test.each(mapped)('a bit flipped in the %s between two requests is found and named', async (part) => {
    const root = rootOf(part);
    await harm(root, flip, async () => {
      const found = { code: 'ERR_STORE_CORRUPT', meta: expect.objectContaining({ root }) };
      await expect(generate(model, 's', PROMPT, 3)).rejects.toThrow(expect.objectContaining(found));
      // It is gone from the store, not computed with on a second try.
      await expect(generate(model, 's', PROMPT, 3)).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_STORE_NOT_FOUND' }),
      );
    });
  });

  test.each(
    repacked,
  )('a bit flipped in the %s is found by whoever loads it; what was loaded is what it was', async (part) => {
    const root = rootOf(part);
    await harm(root, flip, async () => {
      await expectWhole();
      const other = engineOver(model.store, model.model);
      const found = { code: 'ERR_STORE_CORRUPT', meta: expect.objectContaining({ root }) };
      await expect(generate({ ...model, engine: other }, 's', PROMPT, 3)).rejects.toThrow(
        expect.objectContaining(found),
      );
      await other.stop();
      // It is gone from the store, and still computed with here.
      await expectWhole();
    });
  });

  const later = mapped.filter((part) => part !== 'embedding');
  test.each(later)('and in the %s in the middle of an answer', async (part) => {
    const root = rootOf(part);
    const chains = [0, 1].map(() => new Chain(model.model, whole(model.engine, model.model)));
    for (const chain of chains) await chain.hidden(PROMPT);
    await harm(root, flip, async () => {
      const results = await Promise.allSettled(chains.map((chain) => chain.logits([1])));
      for (const result of results) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_CORRUPT', meta: { root } } });
      }
    });
    // The answer goes on from where it stood.
    const [again, alone] = [chains[0] as Chain, new Chain(model.model, whole(model.engine, model.model))];
    again.position = PROMPT.length;
    await alone.hidden(PROMPT);
    expect(firstDifference(await again.logits([1]), await alone.logits([1]))).toBe(-1);
    for (const chain of [...chains, alone]) chain.close();
  });

  test('a file cut short is found', async () => {
    const root = rootOf(dtype === 'f32' ? 'expert' : 'embedding');
    await harm(
      root,
      (path) => writable(path, () => truncate(path, 70_000)),
      async () => {
        await expect(generate(model, 's', PROMPT, 1)).rejects.toThrow(root);
      },
    );
  });

  test('a file that is gone is named', async () => {
    const root = rootOf(dtype === 'f32' ? 'head' : 'embedding');
    await harm(root, rm, async () => {
      await expect(generate(model, 's', PROMPT, 1)).rejects.toThrow(root);
    });
  });

  test('a file that was touched but not changed is used on', async () => {
    const path = model.store.pathOf(rootOf('expert'));
    await chmod(path, 0o400);
    await expectWhole();
    await chmod(path, 0o444);
    await expectWhole();
  });
});

test('half-precision blocks: what was expanded is checked like a block and made again when it is damaged', async () => {
  await using dir = await temporaryDirectory();
  await using model = await openRandom(dir.path, SIZES, { dtype: 'source' });
  const { logits: expected } = await generate(model, 's', PROMPT, 3);
  const expectWhole = async () => {
    const { logits } = await generate(model, 's', PROMPT, 3);
    expect(logits.map((row, i) => firstDifference(row, expected[i] as Float32Array))).toEqual([-1, -1, -1]);
  };
  const files = (await readdir(join(dir.path, 'blocks'))).filter((name) => name.endsWith('.eeb'));
  expect(files).toHaveLength(5);
  for (const file of files) await flip(join(dir.path, 'blocks', file));
  await expectWhole();

  // What is computed with is the expanded file: the block under it is looked at when it is next loaded.
  const root = model.model.head;
  await flip(model.store.pathOf(root));
  await expectWhole();
  const other = engineOver(model.store, model.model);
  await expect(generate({ ...model, engine: other }, 's', PROMPT, 1)).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_STORE_CORRUPT', meta: expect.objectContaining({ root }) }),
  );
  await other.stop();
});
