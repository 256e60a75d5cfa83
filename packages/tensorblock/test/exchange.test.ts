import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BlockAssembler,
  BlockFile,
  proveSubtile,
  proveTile,
  StreamingVerifier,
  verifyBlockFile,
  verifySubtile,
  verifyTile,
} from '../src/index.ts';
import { EVERY_DTYPE, tempDir, writeSample } from './sample-blocks.ts';

const code = (name: string) => expect.objectContaining({ code: `ERR_TENSORBLOCK_${name}` });
const flipped = (bytes: Uint8Array, at = bytes.length - 1) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

async function sample() {
  const dir = await tempDir();
  const path = join(dir, 'block');
  const { root, byteLength } = await writeSample(path, EVERY_DTYPE.header, EVERY_DTYPE.tensors);
  const file = await BlockFile.open(path);
  return { dir, path, root, byteLength, file, [Symbol.asyncDispose]: () => file.close() };
}

describe('proofs', () => {
  it('hold for every subtile and tile and for nothing else', async () => {
    await using block = await sample();
    const { path, root, byteLength, file } = block;
    for (let index = 0; index < file.geometry.leafCount; index++) {
      const bytes = await file.readSubtile(index);
      const proof = await proveSubtile(path, index);
      expect(verifySubtile(root, proof, bytes)).toHaveLength(32);
      const wrong = [
        () => verifySubtile(root, proof, flipped(bytes)),
        () => verifySubtile(root, proof, bytes.subarray(1)),
        () => verifySubtile(root, { ...proof, index: (index + 1) % file.geometry.leafCount }, bytes),
        () => verifySubtile(root, { ...proof, siblings: flipped(proof.siblings) }, bytes),
        () => verifySubtile(root, { ...proof, siblings: proof.siblings.subarray(32) }, bytes),
        () => verifySubtile(root, { ...proof, byteLength: byteLength + 65_536 }, bytes),
        () => verifySubtile(flipped(Buffer.from(root)).toString(), proof, bytes),
      ];
      for (const attempt of wrong) expect(attempt).toThrowError(code('PROOF'));
    }
    for (const index of [0, 1]) {
      const bytes = await file.readTile(index);
      const proof = await proveTile(path, index);
      expect(verifyTile(root, proof, bytes)).toHaveLength(Math.ceil(bytes.length / 262_144));
      expect(() => verifyTile(root, proof, flipped(bytes))).toThrowError(code('PROOF'));
      expect(() => verifyTile(root, proof, bytes.subarray(1))).toThrowError(code('PROOF'));
    }
    for (const index of [-1, 0.5, file.geometry.leafCount, Number.NaN]) {
      await expect(proveSubtile(path, index)).rejects.toThrowError(code('RANGE'));
      await expect(proveTile(path, index)).rejects.toThrowError(code('RANGE'));
    }
    expect(() =>
      verifySubtile(root, { byteLength: 1, index: 0, siblings: new Uint8Array() }, new Uint8Array()),
    ).toThrow(code('LENGTH'));
  });
});

describe('BlockAssembler', () => {
  it('rebuilds the file from subtiles and tiles in any order, refusing bad ones before they are written', async () => {
    await using block = await sample();
    const { dir, path, root, byteLength, file } = block;
    const copy = join(dir, 'copy');
    const assembler = await BlockAssembler.create(copy, { root, byteLength });
    const first = await file.readSubtile(3);
    await expect(assembler.putSubtile(3, flipped(first), await file.proveSubtile(3))).rejects.toThrowError(
      expect.objectContaining({ code: 'ERR_TENSORBLOCK_PROOF', kind: 'peer' }),
    );
    expect(assembler.has(3)).toBe(false);
    expect(readFileSync(copy)).toHaveLength(0);
    await expect(assembler.finish()).rejects.toThrowError(code('INCOMPLETE'));

    await assembler.putTile(1, await file.readTile(1), await file.proveTile(1));
    expect(assembler.missingCount).toBe(16);
    const order = [7, 3, 12, 0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 3];
    await Promise.all(
      order.map(async (i) => assembler.putSubtile(i, await file.readSubtile(i), await file.proveSubtile(i))),
    );
    expect(assembler.missingCount).toBe(0);
    await assembler.finish();
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
    await verifyBlockFile(copy, root);
    await assembler.abort();
    expect(existsSync(copy)).toBe(true);
  });

  it('takes no memory or disk for a length that is not proven, and leaves nothing when given up', async () => {
    await using block = await sample();
    const copy = join(block.dir, 'copy');
    await expect(BlockAssembler.create(copy, { root: block.root, byteLength: 2 ** 50 })).rejects.toThrowError(
      code('LENGTH'),
    );
    expect(existsSync(copy)).toBe(false);
    const assembler = await BlockAssembler.create(copy, { root: block.root, byteLength: block.byteLength });
    expect(readFileSync(copy)).toHaveLength(0);
    await assembler.abort();
    expect(existsSync(copy)).toBe(false);
  });
});

describe('StreamingVerifier', () => {
  it('accepts the file in any pieces, with or without leaf hashes', async () => {
    await using block = await sample();
    const bytes = readFileSync(block.path);
    const { treeOffset, leafCount } = block.file.geometry;
    const leafHashes = bytes.subarray(treeOffset, treeOffset + 32 * leafCount);
    for (const piece of [1_000_003, 65_536, bytes.length]) {
      for (const known of [undefined, leafHashes]) {
        const verifier = new StreamingVerifier({ root: block.root, byteLength: bytes.length, leafHashes: known });
        for (let at = 0; at < bytes.length; at += piece) verifier.push(bytes.subarray(at, at + piece));
        verifier.finish();
        expect(() => verifier.push(Uint8Array.of(0))).toThrowError(code('LENGTH'));
      }
    }
  });

  it('stops at the first bad subtile when it knows the leaves, at the end of the data when not', async () => {
    await using block = await sample();
    const bytes = readFileSync(block.path);
    const { treeOffset, leafCount } = block.file.geometry;
    const leafHashes = bytes.subarray(treeOffset, treeOffset + 32 * leafCount);
    const options = { root: block.root, byteLength: bytes.length };
    const bad = flipped(bytes, 600_000);
    const known = new StreamingVerifier({ ...options, leafHashes });
    known.push(bad.subarray(0, 786_431));
    expect(() => known.push(bad.subarray(786_431, 786_432))).toThrowError(
      expect.objectContaining({ code: 'ERR_TENSORBLOCK_LEAF_MISMATCH', meta: expect.objectContaining({ subtile: 2 }) }),
    );
    expect(() => new StreamingVerifier(options).push(bad)).toThrowError(code('ROOT_MISMATCH'));
    expect(() => new StreamingVerifier(options).push(flipped(bytes))).toThrowError(code('TREE_MISMATCH'));
    expect(() => new StreamingVerifier({ ...options, leafHashes: flipped(leafHashes) })).toThrowError(code('PROOF'));
    const short = new StreamingVerifier(options);
    short.push(bytes.subarray(0, -1));
    expect(() => short.finish()).toThrowError(code('LENGTH'));
  });
});
