import { appendFileSync, copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBlockManifest, SUBTILE_BYTES, verifyBlockFile } from '../src/index.ts';
import { EVERY_DTYPE, tempDir, writeSample } from './sample-blocks.ts';

const code = (name: string, meta = {}) =>
  expect.objectContaining({ code: `ERR_TENSORBLOCK_${name}`, meta: expect.objectContaining(meta) });

async function sample() {
  const dir = await tempDir();
  const path = join(dir, 'block');
  const { root } = await writeSample(path, EVERY_DTYPE.header, EVERY_DTYPE.tensors);
  const manifest = await readBlockManifest(path);
  const original = readFileSync(path);
  const flip = (...positions: number[]) => {
    const bytes = Buffer.from(original);
    for (const at of positions) bytes[at] = (bytes[at] as number) ^ 0x10;
    writeFileSync(path, bytes);
  };
  const treeOffset = manifest.byteLength - 32 * (manifest.leafCount + 3 + 2 + 1 + 1);
  return { dir, path, root, manifest, original, flip, treeOffset };
}

describe('verifyBlockFile', () => {
  it('names the subtile, its bytes and the tensor of any flipped byte before the tree', async () => {
    const { path, root, manifest, flip, treeOffset } = await sample();
    const cases: [number, string[]][] = [
      [0, ['header', 'manifest']],
      [9, ['header', 'manifest']],
      [30, ['header', 'manifest']],
      [70, ['header', 'manifest']],
      [65_535, ['header', 'manifest', 'gate_proj', 'padding']],
    ];
    for (const { name, offset, byteLength, scalesOffset, scalesByteLength } of manifest.tensors) {
      if (byteLength > 0) cases.push([offset, [name]], [offset + byteLength - 1, [name]]);
      if (scalesOffset !== undefined) cases.push([scalesOffset + (scalesByteLength ?? 0) - 1, [`${name} (scales)`]]);
    }
    cases.push([treeOffset - 1, ['raw', 'padding']]);
    for (const [at, tensors] of cases) {
      flip(at);
      const subtile = Math.floor(at / SUBTILE_BYTES);
      const meta = {
        root,
        subtile,
        start: subtile * SUBTILE_BYTES,
        end: Math.min((subtile + 1) * SUBTILE_BYTES, treeOffset),
        tensors: expect.arrayContaining(tensors),
      };
      await expect(verifyBlockFile(path, root)).rejects.toThrowError(code('LEAF_MISMATCH', meta));
    }
  });

  it('finds every flipped byte of the stored tree, and says when only the tree is damaged', async () => {
    const { path, root, manifest, flip, treeOffset } = await sample();
    for (let at = treeOffset; at < manifest.byteLength; at += 41) {
      flip(at);
      await expect(verifyBlockFile(path, root)).rejects.toThrowError(
        code('TREE_MISMATCH', { start: at, tensors: ['tree'] }),
      );
    }
    // Upper levels gone, leaves whole: the damaged subtile is still named.
    flip(manifest.byteLength - 1, 5 * SUBTILE_BYTES);
    await expect(verifyBlockFile(path, root)).rejects.toThrowError(code('LEAF_MISMATCH', { subtile: 5 }));
    flip(treeOffset, 5 * SUBTILE_BYTES);
    await expect(verifyBlockFile(path, root)).rejects.toThrowError(code('ROOT_MISMATCH'));
  });

  it('refuses truncated and longer files, empty ones and other formats', async () => {
    const { dir, path, root, manifest, treeOffset } = await sample();
    const copy = join(dir, 'copy');
    for (const length of [manifest.byteLength - 1, treeOffset, 131_200, 65_664, 65_536, 64]) {
      copyFileSync(path, copy);
      truncateSync(copy, length);
      await expect(verifyBlockFile(copy, root)).rejects.toThrowError(code('LENGTH'));
      await expect(readBlockManifest(copy)).rejects.toThrowError(code('LENGTH'));
    }
    for (const extra of [1, 32, 65_536, 65_568]) {
      copyFileSync(path, copy);
      appendFileSync(copy, new Uint8Array(extra));
      await expect(verifyBlockFile(copy, root)).rejects.toThrowError(code('LENGTH'));
    }
    writeFileSync(copy, '');
    await expect(verifyBlockFile(copy, root)).rejects.toThrowError(code('HEADER'));
    writeFileSync(copy, '{"format":"json"}'.repeat(100));
    await expect(verifyBlockFile(copy, root)).rejects.toThrowError(code('HEADER'));
    await expect(verifyBlockFile(dir, root)).rejects.toThrowError(code('IO'));
    await expect(verifyBlockFile(join(dir, 'none'), root)).rejects.toThrowError(code('IO', { errno: 'ENOENT' }));
  });

  it('tells another block from a damaged one', async () => {
    const { dir, path, root } = await sample();
    const other = join(dir, 'other');
    const { root: otherRoot } = await writeSample(other, { kind: 'router' }, []);
    const mismatch = code('ROOT_MISMATCH', { root, actual: otherRoot });
    await expect(verifyBlockFile(other, root)).rejects.toThrowError(mismatch);
    await expect(verifyBlockFile(path, 'nonsense')).rejects.toThrowError(code('ROOT_MISMATCH'));
  });

  it('stops when aborted', async () => {
    const { path, root } = await sample();
    const controller = new AbortController();
    const verifying = verifyBlockFile(path, root, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(verifying).rejects.toThrow('enough');
  });
});
