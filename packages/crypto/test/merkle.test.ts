import { describe, expect, it } from 'vitest';
import {
  bindRoot,
  buildTree,
  fromHex,
  leafHash,
  levelWidths,
  MerkleBuilder,
  merkleRoot,
  nodeHash,
  proveLeaf,
  proveTile,
  sha256,
  toHex,
  verifyLeafProof,
  verifyTileProof,
} from '../src/index.ts';

const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => leafHash(Uint8Array.of(i, i >> 8)));

function treeOf(leafCount: number) {
  const leaves = leavesOf(leafCount);
  const tree = buildTree(Buffer.concat(leaves));
  const binding = { version: 1, byteLength: leafCount * 1000, leafCount };
  return { leaves, tree, binding, root: merkleRoot(binding, tree) };
}

describe('block tree', () => {
  it('joins 8 leaves to a node, two nodes to a tile, eight tiles above, and pads nothing', () => {
    expect(levelWidths(1)).toEqual([1, 1, 1]);
    expect(levelWidths(9)).toEqual([9, 2, 1]);
    expect(levelWidths(16)).toEqual([16, 2, 1]);
    expect(levelWidths(17)).toEqual([17, 3, 2, 1]);
    expect(levelWidths(16 * 8 + 1)).toEqual([129, 17, 9, 2, 1]);
  });

  it('hashes what the format says', () => {
    const { leaves, tree, root } = treeOf(17);
    const level = (n: number, ...children: Uint8Array[]) =>
      sha256(Buffer.from('blyan/tb/1/node\0'), Uint8Array.of(n), ...children);
    const nodes = [level(1, ...leaves.slice(0, 8)), level(1, ...leaves.slice(8, 16)), level(1, ...leaves.slice(16))];
    const tiles = [level(2, nodes[0] as Uint8Array, nodes[1] as Uint8Array), level(2, nodes[2] as Uint8Array)];
    const top = level(3, ...tiles);
    expect(toHex(tree)).toBe(toHex(Buffer.concat([...leaves, ...nodes, ...tiles, top])));
    const fields = fromHex('0100' + '6842000000000000' + '1100000000000000');
    expect(toHex(root)).toBe(toHex(sha256(Buffer.from('blyan/tb/1/root\0'), fields, top)));
  });

  it('builds incrementally', () => {
    const builder = new MerkleBuilder();
    const { leaves, tree } = treeOf(200);
    for (const leaf of leaves) builder.push(leaf);
    expect(builder.leafCount).toBe(200);
    expect(toHex(builder.build())).toBe(toHex(tree));
    expect(() => new MerkleBuilder().build()).toThrowError(
      expect.objectContaining({ code: 'ERR_CRYPTO_MERKLE_RANGE' }),
    );
  });

  it('proves every leaf and tile, and nothing else', () => {
    for (const count of [1, 2, 8, 9, 16, 17, 33, 128, 129, 300]) {
      const { leaves, tree, binding, root } = treeOf(count);
      for (let i = 0; i < count; i += count > 40 ? 13 : 1) {
        const proof = proveLeaf(tree, count, i);
        const leaf = leaves[i] as Uint8Array;
        expect(verifyLeafProof(root, binding, i, leaf, proof)).toBe(true);
        expect(verifyLeafProof(root, binding, i, leafHash(Uint8Array.of(7, 7, 7)), proof)).toBe(false);
        expect(verifyLeafProof(root, binding, i === 0 ? count : i - 1, leaf, proof)).toBe(false);
        expect(verifyLeafProof(root, { ...binding, byteLength: 5 }, i, leaf, proof)).toBe(false);
        expect(verifyLeafProof(root, { ...binding, version: 2 }, i, leaf, proof)).toBe(false);
        expect(verifyLeafProof(root, binding, i, leaf, Buffer.concat([proof, leaf]))).toBe(false);
        if (proof.length > 0) expect(verifyLeafProof(root, binding, i, leaf, proof.subarray(1))).toBe(false);
      }
      for (let t = 0; t * 16 < count; t++) {
        const below = leaves.slice(t * 16, t * 16 + 16);
        const proof = proveTile(tree, count, t);
        expect(verifyTileProof(root, binding, t, below, proof)).toBe(true);
        expect(verifyTileProof(root, binding, t + 1, below, proof)).toBe(false);
        expect(verifyTileProof(root, binding, t, below.slice(1), proof)).toBe(false);
        if (below.length > 1) expect(verifyTileProof(root, binding, t, below.toReversed(), proof)).toBe(false);
      }
    }
  });

  it('never takes a node for a leaf or a root', () => {
    const a = leafHash(new Uint8Array(32));
    expect(toHex(nodeHash(1, a))).not.toBe(toHex(leafHash(a)));
    expect(toHex(nodeHash(1, a))).not.toBe(toHex(nodeHash(2, a)));
    expect(toHex(bindRoot({ version: 1, byteLength: 1, leafCount: 1 }, a))).not.toBe(toHex(a));
    expect(() => proveLeaf(treeOf(3).tree, 3, 3)).toThrowError(
      expect.objectContaining({ code: 'ERR_CRYPTO_MERKLE_RANGE' }),
    );
  });

  it('reads hexadecimal text in its one form', () => {
    expect(fromHex('00ff')).toEqual(Uint8Array.of(0, 255));
    for (const text of ['0', '0G', 'FF', '0x00', ' 00']) expect(() => fromHex(text)).toThrow(/hexadecimal/);
    expect(() => fromHex('00ff', 3)).toThrow(/exactly 6/);
  });
});
