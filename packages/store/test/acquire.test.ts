import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { describe, expect, it } from 'vitest';
import { BlockStore } from '../src/index.ts';
import { addBlock, openStore, tempDir } from './fixture.ts';

const code = (name: string, meta = {}) =>
  expect.objectContaining({ code: `ERR_STORE_${name}`, meta: expect.objectContaining(meta) });

/** Flips one byte in place, as rot or a hand on the disk would. */
function flip(path: string, at: number): void {
  const value = readFileSync(path)[at] as number;
  chmodSync(path, 0o644);
  const fd = openSync(path, 'r+');
  writeSync(fd, Uint8Array.of(value ^ 4), 0, 1, at);
  closeSync(fd);
}

/** Makes a file look as if written long ago, so that its times can be told from those of a write now. */
function age(path: string): void {
  utimesSync(path, 1_000_000, 1_000_000);
}

function watch(store: BlockStore) {
  const corrupt: { root: string; error: Error }[] = [];
  const removed: string[] = [];
  store.on('corrupt', (event) => corrupt.push(event));
  store.on('removed', ({ root }) => removed.push(root));
  return { corrupt, removed };
}

describe('acquire', () => {
  it('hands out a verified block, and once verified it stays fresh', async () => {
    const store = await openStore(await tempDir());
    const root = await addBlock(store, 1, 600);
    age(store.pathOf(root));
    const { path, manifest } = await store.acquire(root);
    expect(path).toBe(store.pathOf(root));
    expect(manifest.tensors[0]).toMatchObject({ name: 'w', byteLength: 600 * 1024 });
    expect(store.isFresh(root)).toBe(true);
    expect((await store.acquire(root)).manifest).toBe(manifest);
    await expect(store.acquire('0'.repeat(64))).rejects.toThrowError(code('NOT_FOUND'));
    expect(store.isFresh('0'.repeat(64))).toBe(false);
  });

  it('shares one pass between callers, each with its own signal', async () => {
    const dir = await tempDir();
    const first = await openStore(dir);
    const root = await addBlock(first, 1, 6000);
    await first.stop();
    const store = await openStore(dir);
    const leaver = new AbortController();
    const left = store.acquire(root, { signal: leaver.signal });
    const stayed = [store.acquire(root), store.acquire(root)];
    leaver.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    const [a, b] = await Promise.all(stayed);
    expect(a?.manifest).toBe(b?.manifest);
    expect(store.has(root)).toBe(true);

    const alone = new AbortController();
    const [other] = [await addBlock(store, 2, 6000)];
    await store.stop();
    await store.start();
    const only = store.acquire(other, { signal: alone.signal });
    alone.abort(new Error('gone'));
    await expect(only).rejects.toThrow('gone');
    await store.acquire(other);
  });

  it('finds a byte flipped while the process was down, names it, removes the block and tells', async () => {
    const dir = await tempDir();
    const first = await openStore(dir);
    const [root, sound] = [await addBlock(first, 1, 600), await addBlock(first, 2)];
    await first.stop();
    flip(first.pathOf(root), 400_000);

    const store = await openStore(dir);
    const seen = watch(store);
    const expected = code('CORRUPT', { root, subtile: 1, start: 262_144, end: 524_288, tensors: ['w'] });
    const both = await Promise.allSettled([store.acquire(root), store.acquire(root)]);
    for (const outcome of both) expect((outcome as PromiseRejectedResult).reason).toEqual(expected);
    expect(seen.corrupt).toEqual([{ root, error: expected }]);
    expect(seen.removed).toEqual([root]);
    expect(store.has(root)).toBe(false);
    expect(existsSync(store.pathOf(root))).toBe(false);
    await store.acquire(sound);
    expect(store.list()).toHaveLength(1);

    // Healed by a new copy.
    expect(await addBlock(store, 1, 600)).toBe(root);
    await store.acquire(root);
  });

  it('finds a byte flipped after it was verified', async () => {
    const store = await openStore(await tempDir());
    const root = await addBlock(store, 1, 600);
    age(store.pathOf(root));
    await store.acquire(root);
    flip(store.pathOf(root), 70_000);
    expect(store.isFresh(root)).toBe(false);
    await expect(store.acquire(root)).rejects.toThrowError(code('CORRUPT', { subtile: 0 }));
  });

  it('finds a byte flipped in the very tick of the admission', async () => {
    const store = await openStore(await tempDir());
    const root = await addBlock(store, 1);
    flip(store.pathOf(root), 70_000);
    await expect(store.acquire(root)).rejects.toThrowError(code('CORRUPT'));
  });

  it('finds a file that was replaced or grew, and accepts one that was only touched', async () => {
    const store = await openStore(await tempDir());
    const [a, b, c] = [await addBlock(store, 1), await addBlock(store, 2), await addBlock(store, 3)];
    for (const root of [a, b, c]) {
      age(store.pathOf(root));
      await store.acquire(root);
    }
    const copy = readFileSync(store.pathOf(b));
    writeFileSync(`${store.pathOf(a)}x`, copy);
    renameSync(`${store.pathOf(a)}x`, store.pathOf(a));
    await expect(store.acquire(a)).rejects.toThrowError(code('CORRUPT', { root: a, actual: b }));
    chmodSync(store.pathOf(b), 0o644);
    writeFileSync(store.pathOf(b), Buffer.concat([copy, Uint8Array.of(0)]));
    await expect(store.acquire(b)).rejects.toThrowError(code('CORRUPT', { root: b }));
    utimesSync(store.pathOf(c), 2_000_000, 2_000_000);
    expect(store.isFresh(c)).toBe(false);
    await store.acquire(c);
    expect(store.isFresh(c)).toBe(true);
  });

  it('forgets a block whose file is gone', async () => {
    const store = await openStore(await tempDir());
    const root = await addBlock(store, 1);
    const seen = watch(store);
    unlinkSync(store.pathOf(root));
    await expect(store.acquire(root)).rejects.toThrowError(code('NOT_FOUND'));
    expect(seen).toEqual({ corrupt: [], removed: [root] });
    expect(store.usedBytes).toBe(0);
  });
});

describe('sampleVerify', () => {
  it('finds rot in a block in use, subtile or tree, whatever its times say', async () => {
    const store = await openStore(await tempDir());
    expect(await store.sampleVerify()).toBeNull();
    const [a, b] = [await addBlock(store, 1, 600), await addBlock(store, 2, 600)];
    for (const root of [a, b]) await store.acquire(root);
    const drawn = await store.sampleVerify();
    expect([a, b]).toContain(drawn?.root);
    await expect(store.sampleVerify({ root: a, subtile: 99 })).rejects.toThrowError(
      expect.objectContaining({ code: 'ERR_TENSORBLOCK_RANGE' }),
    );

    flip(store.pathOf(a), 300_000);
    expect(await store.sampleVerify({ root: a, subtile: 0 })).toEqual({ root: a, subtile: 0 });
    await expect(store.sampleVerify({ root: a, subtile: 1 })).rejects.toThrowError(
      code('CORRUPT', { root: a, subtile: 1 }),
    );
    expect(store.has(a)).toBe(false);
    flip(store.pathOf(b), readFileSync(store.pathOf(b)).length - 150);
    await expect(store.sampleVerify({ root: b, subtile: 0 })).rejects.toThrowError(
      code('CORRUPT', { tensors: ['tree'] }),
    );
  });
});

describe('stop', () => {
  it('ends a verification in progress', async () => {
    const dir = await tempDir();
    const first = await openStore(dir);
    const root = await addBlock(first, 1, 9000);
    await first.stop();
    const store = new BlockStore({ dir }, { logger: silentLogger });
    await store.start();
    const acquiring = store.acquire(root);
    const outcome = expect(acquiring).rejects.toThrowError(code('STATE'));
    await store.stop();
    await outcome;
    expect(existsSync(join(dir, `${root}.tb`))).toBe(true);
  });
});
