import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeCanonical } from '@blyan/codec';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeFileHeader } from '../src/header.ts';
import {
  type BlockHeader,
  geometryOf,
  MAX_BLOCK_BYTES,
  readBlockManifest,
  TensorBlockError,
  type TensorSpec,
  verifyBlockFile,
} from '../src/index.ts';
import { decodeManifest, encodeManifest } from '../src/manifest.ts';
import { EVERY_DTYPE, tempDir, writeSample } from './sample-blocks.ts';

const floats = fc.record({
  name: fc.string({ minLength: 1, maxLength: 12 }),
  dtype: fc.constantFrom('f32', 'f16', 'bf16', 'u8'),
  shape: fc.array(fc.nat(40), { maxLength: 3 }),
});
const quantised = fc.record({
  name: fc.string({ minLength: 1, maxLength: 12 }),
  dtype: fc.constantFrom('i8', 'i4'),
  shape: fc.tuple(fc.nat(40), fc.nat(300)),
  quantBlock: fc.constantFrom(16, 32, 64, 128, 256),
});
const wellFormed = (spec: { name: string }) => spec.name.isWellFormed() && spec.name.charCodeAt(0) !== 0xfeff;
const specs = fc.uniqueArray(fc.oneof(floats, quantised).filter(wellFormed), {
  maxLength: 6,
  selector: (spec) => spec.name,
}) as fc.Arbitrary<TensorSpec[]>;
const header = fc.record(
  {
    kind: fc.constantFrom('model', 'expert', 'trunk', 'eeb'),
    layer: fc.nat(),
    meta: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.integer()),
  },
  { requiredKeys: ['kind'] },
) as fc.Arbitrary<BlockHeader>;

/** Nothing but our error may come out. */
async function refuses(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(TensorBlockError);
    return true;
  }
}

it('round trip: what is written is read, verified and nothing else', async () => {
  const path = join(await tempDir(), 'block');
  await fc.assert(
    fc.asyncProperty(header, specs, async (blockHeader, tensors) => {
      writeFileSync(path, '');
      const fresh = `${path}-${Math.random()}`;
      const { root } = await writeSample(fresh, blockHeader, tensors);
      const manifest = await verifyBlockFile(fresh, root);
      expect(manifest.header).toEqual(blockHeader);
      expect(manifest.tensors.map((t) => ({ ...t }))).toMatchObject(tensors);
    }),
    { numRuns: 40 },
  );
});

it('damaged and truncated files: read within bounds or refused, never verified', async () => {
  const dir = await tempDir();
  const path = join(dir, 'block');
  const { root, byteLength } = await writeSample(path, EVERY_DTYPE.header, EVERY_DTYPE.tensors.slice(1, 5));
  const original = readFileSync(path);
  const at = fc.oneof(fc.nat(400), fc.integer({ min: byteLength - 200, max: byteLength - 1 }), fc.nat(byteLength - 1));
  const edits = fc.array(fc.tuple(at, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(edits, fc.option(fc.nat(byteLength), { freq: 3 }), async (changes, length) => {
      const bytes = Buffer.from(original);
      for (const [position, mask] of changes) bytes[position] = (bytes[position] as number) ^ mask;
      writeFileSync(path, bytes);
      if (length !== null) truncateSync(path, length);
      await refuses(() => readBlockManifest(path));
      const changed = length !== null && length < byteLength ? true : !bytes.equals(original);
      expect(await refuses(() => verifyBlockFile(path, root))).toBe(changed);
    }),
    { numRuns: 150 },
  );
});

it('random headers and manifests are refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(), async (bytes, length) => {
      expect(await refuses(() => decodeFileHeader(bytes, length))).toBe(true);
      expect(await refuses(() => decodeManifest(bytes, 65_536))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('manifests with hostile numbers are refused without allocating for them', async () => {
  const huge = fc.constantFrom(
    -1,
    0,
    1,
    2 ** 31,
    2 ** 32,
    2 ** 40,
    Number.MAX_SAFE_INTEGER,
    2n ** 63n,
    2n ** 64n,
    'x',
    null,
  );
  const tensor = fc.record(
    {
      name: fc.constantFrom('a', 'b', ''),
      dtype: fc.constantFrom('f32', 'i8', 'f64', 7),
      shape: fc.oneof(fc.array(huge, { maxLength: 10 }), huge),
      quantBlock: huge,
      offset: huge,
      length: huge,
      scalesOffset: huge,
      scalesLength: huge,
      extra: huge,
    },
    { requiredKeys: ['name'] },
  );
  const manifest = fc.record(
    {
      kind: fc.constantFrom('expert', 'x', 1),
      layer: huge,
      tensors: fc.oneof(fc.array(tensor, { maxLength: 4 }), huge),
      meta: huge,
    },
    { requiredKeys: [] },
  );
  const sound = encodeManifest({ kind: 'expert' }, []);
  expect(decodeManifest(sound, 65_536).tensors).toEqual([]);
  await fc.assert(
    fc.asyncProperty(manifest, async (value) => {
      const bytes = encodeCanonical(value as never);
      const same = Buffer.compare(bytes, sound) === 0;
      const withLayer = await refuses(() => decodeManifest(bytes, 65_536));
      if (!withLayer) expect(decodeManifest(bytes, 65_536).tensors.every((t) => t.byteLength === 0)).toBe(true);
      if (same) expect(withLayer).toBe(false);
    }),
    { numRuns: 500 },
  );
});

it('at most one block geometry fits a length, and every hostile length ends fast', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 21 }), (units) => {
      const treeOffset = units * 65_536;
      const leafCount = Math.ceil(treeOffset / 262_144);
      let hashes = leafCount + 1;
      for (let width = leafCount, level = 1; level <= 2 || width > 1; level++) {
        width = Math.ceil(width / (level === 2 ? 2 : 8));
        hashes += width;
      }
      const byteLength = treeOffset + hashes * 32;
      expect(geometryOf(byteLength)).toEqual({ byteLength, treeOffset, treeLength: hashes * 32, leafCount });
      for (const other of [byteLength + 1, byteLength - 32]) expect(() => geometryOf(other)).toThrow(TensorBlockError);
    }),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.double(), fc.maxSafeInteger(), fc.integer({ min: MAX_BLOCK_BYTES - 9999, max: MAX_BLOCK_BYTES + 9 })),
      (length) => {
        try {
          expect(geometryOf(length).byteLength).toBe(length);
        } catch (error) {
          expect(error).toBeInstanceOf(TensorBlockError);
        }
      },
    ),
  );
});
