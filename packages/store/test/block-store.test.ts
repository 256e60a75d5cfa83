import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { verifyBlockFile } from '@blyan/tensorblock';
import { describe, expect, it } from 'vitest';
import { BlockStore } from '../src/index.ts';
import { addBlock, openStore, tempDir, writeBlock } from './fixture.ts';

const code = (name: string, meta = {}) =>
  expect.objectContaining({ code: `ERR_STORE_${name}`, meta: expect.objectContaining(meta) });
const UNKNOWN = 'f'.repeat(64);

describe('admission', () => {
  it('gives a verified file its name, read-only, and takes the temporary one away', async () => {
    const dir = await tempDir();
    const store = await openStore(join(dir, 'blocks'));
    const added: string[] = [];
    store.on('added', ({ root }) => added.push(root));
    const temp = store.tempPath();
    const { root, byteLength } = await writeBlock(temp, 1);
    await store.admit(temp, root);

    expect(readdirSync(join(dir, 'blocks'))).toEqual([`${root}.tb`]);
    expect(statSync(store.pathOf(root)).mode & 0o777).toBe(0o444);
    expect(store.has(root)).toBe(true);
    expect(store.usedBytes).toBe(byteLength);
    expect(store.list()).toEqual([
      { root, byteLength, kind: 'expert', header: { kind: 'expert', expert: 1 }, pinned: false },
    ]);
    expect(added).toEqual([root]);
  });

  it('is idempotent, and one of many at once wins', async () => {
    const store = await openStore(await tempDir());
    const added: string[] = [];
    store.on('added', ({ root }) => added.push(root));
    const temps = Array.from({ length: 5 }, () => store.tempPath());
    const written = await Promise.all(temps.map((temp) => writeBlock(temp, 7, 600)));
    const root = (written[0] as { root: string }).root;
    await Promise.all(temps.map((temp) => store.admit(temp, root)));
    expect(added).toEqual([root]);
    expect(temps.some(existsSync)).toBe(false);
    await verifyBlockFile(store.pathOf(root), root);
  });

  it('refuses what is not that block and keeps nothing of it; a sound copy is still welcome', async () => {
    const dir = await tempDir();
    const store = await openStore(dir);
    const [good, bad, other, junk] = [store.tempPath(), store.tempPath(), store.tempPath(), store.tempPath()];
    const { root } = await writeBlock(good, 1, 600);
    const bytes = readFileSync(good);
    bytes[300_000] = 9;
    writeFileSync(bad, bytes);
    await writeBlock(other, 2);
    writeFileSync(junk, 'not a block');
    await expect(store.admit(bad, root)).rejects.toThrowError(code('CORRUPT', { root, subtile: 1, tensors: ['w'] }));
    await expect(store.admit(other, root)).rejects.toThrowError(code('CORRUPT', { root }));
    await expect(store.admit(junk, root)).rejects.toThrowError(code('CORRUPT', { root }));
    await expect(store.admit(store.tempPath(), root)).rejects.toThrowError(code('IO', { errno: 'ENOENT' }));
    await expect(store.admit(junk, '../../etc/passwd')).rejects.toThrowError(code('ROOT'));
    expect(readdirSync(dir)).toEqual([basename(good)]);
    expect(store.usedBytes).toBe(0);
    await store.admit(good, root);
    expect(store.has(root)).toBe(true);
  });

  it('checks the name at least of a file said to be verified', async () => {
    const store = await openStore(await tempDir());
    const temp = store.tempPath();
    const { root } = await writeBlock(temp, 1);
    await expect(store.admit(temp, UNKNOWN, { verified: true })).rejects.toThrowError(code('CORRUPT'));
    const again = store.tempPath();
    await writeBlock(again, 1);
    await store.admit(again, root, { verified: true });
    expect(store.isFresh(root)).toBe(false);
    await store.acquire(root);
  });

  it('stays below the quota, also with many at once', async () => {
    const dir = await tempDir();
    const store = await openStore(dir, { quotaBytes: 300_000 });
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((seed) => addBlock(store, seed)));
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(2);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toEqual(code('QUOTA', { quotaBytes: 300_000 }));
    }
    expect(readdirSync(dir)).toHaveLength(2);
    await expect(async () => store.assertRoom(100_000)).rejects.toThrowError(code('QUOTA'));
    await store.remove((store.list()[0] as { root: string }).root);
    await store.assertRoom(100_000);
    await addBlock(store, 5);
  });

  it('stops when aborted and leaves nothing', async () => {
    const dir = await tempDir();
    const store = await openStore(dir);
    const temp = store.tempPath();
    const { root } = await writeBlock(temp, 1);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(store.admit(temp, root, { signal })).rejects.toThrow('enough');
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('pins and garbage', () => {
  it('keeps what is pinned, over restarts', async () => {
    const dir = await tempDir();
    const first = await openStore(dir);
    const roots = [await addBlock(first, 1), await addBlock(first, 2), await addBlock(first, 3)] as const;
    await Promise.all([first.pin(roots[0]), first.pin(roots[1]), first.pin(UNKNOWN), first.unpin(roots[1])]);
    await first.stop();

    const second = await openStore(dir);
    expect(second.pinned().sort()).toEqual([roots[0], UNKNOWN].sort());
    const removed: string[] = [];
    second.on('removed', ({ root }) => removed.push(root));
    const { freedBytes } = await second.gc();
    expect(removed.sort()).toEqual([roots[1], roots[2]].sort());
    expect(freedBytes).toBe(2 * second.usedBytes);
    expect(second.list().map(({ root, pinned }) => ({ root, pinned }))).toEqual([{ root: roots[0], pinned: true }]);
    await second.unpin(roots[0]);
    await second.gc();
    expect(second.list()).toEqual([]);
    expect(readdirSync(dir)).toEqual(['pins.json']);
    await expect(second.pin('x')).rejects.toThrowError(code('ROOT'));
  });

  it('does not guess what a damaged file of pins said', async () => {
    const dir = await tempDir();
    for (const text of ['', '{', '{"version":1,"pins":["x"]}', '{"version":2,"pins":[]}', 'null']) {
      writeFileSync(join(dir, 'pins.json'), text);
      const store = new BlockStore({ dir }, { logger: silentLogger });
      await expect(store.start()).rejects.toThrowError(code('PINS'));
    }
  });
});

describe('life and death', () => {
  it('clears what a crash left, trusts nothing half-written, and leaves foreign files alone', async () => {
    const dir = await tempDir();
    const first = await openStore(dir);
    const [a, b, c] = [await addBlock(first, 1), await addBlock(first, 2, 600), await addBlock(first, 3)] as const;
    await first.stop();
    const whole = readFileSync(join(dir, `${b}.tb`));
    writeFileSync(join(dir, 'abc.tmp'), whole.subarray(0, 1000));
    mkdirSync(join(dir, 'mine'));
    writeFileSync(join(dir, 'note.txt'), 'mine');
    writeFileSync(join(dir, `${UNKNOWN}.tb`), whole);
    const path = join(dir, `${b}.tb`);
    writeFileSync(`${path}2`, whole.subarray(0, 300_000));
    // A file cut short under its final name.
    renameSync(`${path}2`, path);

    const store = new BlockStore({ dir }, { logger: silentLogger });
    const corrupt: string[] = [];
    store.on('corrupt', ({ root }) => corrupt.push(root));
    await store.start();
    expect(corrupt.sort()).toEqual([b, UNKNOWN].sort());
    expect(
      store
        .list()
        .map(({ root }) => root)
        .sort(),
    ).toEqual([a, c].sort());
    expect(readdirSync(dir).sort()).toEqual([`${a}.tb`, `${c}.tb`, 'mine', 'note.txt'].sort());
    await store.stop();
  });

  it('is used between start and stop only, and stops twice', async () => {
    const dir = await tempDir();
    const store = new BlockStore({ dir }, { logger: silentLogger });
    expect(() => store.has(UNKNOWN)).toThrowError(code('STATE'));
    await store.start();
    await expect(store.start()).rejects.toThrowError(code('STATE'));
    await store.stop();
    await store.stop();
    await expect(store.acquire(UNKNOWN)).rejects.toThrowError(code('STATE'));
    await store.start();
    expect(store.list()).toEqual([]);
    await store.stop();
  });

  it('says what is wrong with the directory', async () => {
    const dir = await tempDir();
    writeFileSync(join(dir, 'file'), '');
    const store = new BlockStore({ dir: join(dir, 'file') }, { logger: silentLogger });
    await expect(store.start()).rejects.toThrowError(code('IO'));
    await expect(
      new BlockStore({ dir }, { logger: silentLogger }).start(AbortSignal.abort(new Error('enough'))),
    ).rejects.toThrow('enough');
  });

  it('a listener that throws hurts nobody', async () => {
    const store = await openStore(await tempDir());
    const heard: string[] = [];
    store.on('added', () => {
      throw new Error('mine');
    });
    const off = store.on('added', ({ root }) => heard.push(root));
    const root = await addBlock(store, 1);
    off();
    await addBlock(store, 2);
    expect(heard).toEqual([root]);
  });
});
