import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildTree, fromHex, leafHash, sha256, toHex } from '@blyan/crypto';
import { expect, it } from 'vitest';
import {
  BlockFile,
  type BlockHeader,
  HEADER_BYTES,
  proveSubtile,
  proveTile,
  type TensorSpec,
  verifySubtile,
  verifyTile,
} from '../src/index.ts';
import { tempDir, writeSample } from './sample-blocks.ts';

interface Golden {
  trees: { leafCount: number; top: string }[];
  blocks: {
    header: BlockHeader;
    tensors: TensorSpec[];
    root: string;
    byteLength: number;
    leafCount: number;
    treeOffset: number;
    fileSha256: string;
    headerHex: string;
    manifestHex: string;
    subtileProof: { index: number; siblings: string };
    tileProof: { index: number; siblings: string };
  }[];
}
const golden = JSON.parse(readFileSync(new URL('./fixtures/golden.json', import.meta.url), 'utf8')) as Golden;

it.each(golden.trees)('the tree of $leafCount leaves has its golden top', ({ leafCount, top }) => {
  const leaves = Array.from({ length: leafCount }, (_, i) => leafHash(new Uint8Array(Uint32Array.of(i).buffer)));
  expect(toHex(buildTree(Buffer.concat(leaves)).subarray(-32))).toBe(top);
});

it.each(golden.blocks)('block $root comes out byte for byte', async (block) => {
  const path = join(await tempDir(), 'block');
  const { root, byteLength } = await writeSample(path, block.header, block.tensors);
  const bytes = readFileSync(path);
  expect(toHex(bytes.subarray(0, HEADER_BYTES))).toBe(block.headerHex);
  expect(toHex(bytes.subarray(HEADER_BYTES, HEADER_BYTES + block.manifestHex.length / 2))).toBe(block.manifestHex);
  expect({ root, byteLength, file: toHex(sha256(bytes)) }).toEqual({
    root: block.root,
    byteLength: block.byteLength,
    file: block.fileSha256,
  });

  await using file = await BlockFile.open(path);
  expect(file.geometry).toMatchObject({ leafCount: block.leafCount, treeOffset: block.treeOffset });
  const { subtileProof, tileProof } = block;
  expect(toHex((await proveSubtile(path, subtileProof.index)).siblings)).toBe(subtileProof.siblings);
  expect(toHex((await proveTile(path, tileProof.index)).siblings)).toBe(tileProof.siblings);
  const proofOf = (proof: typeof subtileProof) => ({
    byteLength,
    index: proof.index,
    siblings: fromHex(proof.siblings),
  });
  verifySubtile(root, proofOf(subtileProof), await file.readSubtile(subtileProof.index));
  verifyTile(root, proofOf(tileProof), await file.readTile(tileProof.index));
});
