import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type BlockStore, derivedHeader } from '../src/index.ts';
import { addBlock, openStore, tempDir, writeBlock } from './fixture.ts';

const code = (name: string) => expect.objectContaining({ code: `ERR_STORE_${name}` });

async function addDerived(store: BlockStore, source: string, profile: string, seed = 1) {
  const path = store.tempPath();
  await writeBlock(path, seed, 1, derivedHeader({ source, profile }, { note: 'x' }));
  return await store.admitDerived(source, profile, path);
}

describe('derived files', () => {
  it('lie beside their source, one for each profile, over restarts', async () => {
    const dir = await tempDir();
    const store = await openStore(dir);
    const source = await addBlock(store, 1);
    const before = store.usedBytes;
    expect(await store.derived(source, 'p1')).toBeNull();
    const stored = await addDerived(store, source, 'p1');
    await addDerived(store, source, 'p2');
    expect(stored.path).toBe(join(dir, `${source}.${stored.root}.eeb`));
    expect(store.usedBytes).toBeGreaterThan(before);
    const newer = await addDerived(store, source, 'p1', 2);
    expect(newer.root).not.toBe(stored.root);
    expect(readdirSync(dir)).toHaveLength(3);
    const again = await addDerived(store, source, 'p1', 2);
    expect(again.root).toBe(newer.root);
    const used = store.usedBytes;
    await store.stop();

    const second = await openStore(dir);
    expect(second.usedBytes).toBe(used);
    const found = await second.derived(source, 'p1');
    expect(found).toMatchObject({ root: newer.root, manifest: { header: { kind: 'eeb', meta: { profile: 'p1' } } } });
    expect(await second.derived(source, 'p3')).toBeNull();
    expect(second.list()).toHaveLength(1);
  });

  it('are removed when damaged, and with their source', async () => {
    const dir = await tempDir();
    const store = await openStore(dir);
    const source = await addBlock(store, 1);
    const { path } = await addDerived(store, source, 'p1');
    const bytes = readFileSync(path);
    bytes[70_000] = 99;
    chmodSync(path, 0o644);
    writeFileSync(path, bytes);
    expect(store.isDerivedFresh(source, 'p1')).toBe(false);
    expect(await store.derived(source, 'p1')).toBeNull();
    expect(readdirSync(dir)).toEqual([`${source}.tb`]);
    await addDerived(store, source, 'p1');
    expect(await store.derived(source, 'p1')).not.toBeNull();
    await store.remove(source);
    expect(readdirSync(dir)).toEqual([]);
    expect(store.usedBytes).toBe(0);
  });

  it('are refused without their source, or when made from something else', async () => {
    const dir = await tempDir();
    const store = await openStore(dir);
    const [source, other] = [await addBlock(store, 1), await addBlock(store, 2)];
    const attempt = async (header: Parameters<typeof writeBlock>[3], into: string) => {
      const path = store.tempPath();
      await writeBlock(path, 1, 1, header);
      return store.admitDerived(into, 'p', path);
    };
    await expect(attempt(derivedHeader({ source: other, profile: 'p' }), source)).rejects.toThrowError(code('CORRUPT'));
    await expect(attempt(derivedHeader({ source, profile: 'q' }), source)).rejects.toThrowError(code('CORRUPT'));
    await expect(attempt({ kind: 'expert' }, source)).rejects.toThrowError(code('CORRUPT'));
    await expect(attempt(derivedHeader({ source: 'x', profile: 'p' }), '0'.repeat(64))).rejects.toThrowError(
      code('NOT_FOUND'),
    );
    expect(readdirSync(dir).sort()).toEqual([`${other}.tb`, `${source}.tb`].sort());
  });

  it('without a source, misnamed or half-written are cleared at the next start', async () => {
    const dir = await tempDir();
    const first = await openStore(dir);
    const source = await addBlock(first, 1);
    const { path, root } = await addDerived(first, source, 'p1');
    await first.stop();
    const bytes = readFileSync(path);
    writeFileSync(join(dir, `${'0'.repeat(64)}.${root}.eeb`), bytes);
    writeFileSync(join(dir, `${source}.${'0'.repeat(64)}.eeb`), bytes);
    writeFileSync(join(dir, `${source}.${'1'.repeat(64)}.eeb`), bytes.subarray(0, 100));
    const second = await openStore(dir);
    expect(readdirSync(dir).sort()).toEqual([`${source}.${root}.eeb`, `${source}.tb`].sort());
    expect(await second.derived(source, 'p1')).toMatchObject({ root });
  });
});
