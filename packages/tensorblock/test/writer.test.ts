import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ALIGNMENT,
  readBlockManifest,
  readRange,
  readScales,
  readTensor,
  TensorBlockWriter,
  type TensorInfo,
  type TensorSpec,
  tensorByteLengths,
  verifyBlockFile,
} from '../src/index.ts';
import { EVERY_DTYPE, pattern, tempDir, writeSample } from './sample-blocks.ts';

const code = (name: string) => expect.objectContaining({ code: `ERR_TENSORBLOCK_${name}` });
const W: TensorSpec = { name: 'w', dtype: 'f32', shape: [2, 2] };
const Q: TensorSpec = { name: 'q', dtype: 'i8', shape: [2, 2], quantBlock: 32 };

describe('TensorBlockWriter', () => {
  it('writes what the readers read, whatever the pieces', async () => {
    const dir = await tempDir();
    const path = join(dir, 'a');
    const written = await writeSample(path, EVERY_DTYPE.header, EVERY_DTYPE.tensors);
    const again = await writeSample(join(dir, 'b'), EVERY_DTYPE.header, EVERY_DTYPE.tensors, 7_777);
    expect(again).toEqual(written);

    const progress: number[] = [];
    const manifest = await verifyBlockFile(path, written.root, { onProgress: (done) => progress.push(done) });
    expect(progress.length).toBe(Math.ceil((manifest.byteLength - 2000) / (4 * 1024 * 1024)));
    expect(manifest).toEqual(await readBlockManifest(path));
    expect(manifest.header).toEqual(EVERY_DTYPE.header);
    expect(manifest.root).toBe(written.root);
    expect(manifest.byteLength).toBe(readFileSync(path).length);
    expect(manifest.tensors.map(({ name, dtype, shape, quantBlock }) => ({ name, dtype, shape, quantBlock }))).toEqual(
      EVERY_DTYPE.tensors.map((t) => ({ quantBlock: undefined, ...t })),
    );
    for (const [i, tensor] of manifest.tensors.entries()) {
      expect(tensor.offset % ALIGNMENT).toBe(0);
      expect(Buffer.compare(await readTensor(path, tensor), pattern(tensor.byteLength, 7, i + 3))).toBe(0);
      if (tensor.scalesByteLength === undefined) continue;
      expect((tensor.scalesOffset as number) % ALIGNMENT).toBe(0);
      expect(Buffer.compare(await readScales(path, tensor), pattern(tensor.scalesByteLength, 5, i + 1))).toBe(0);
    }
  });

  it('reads rows through a descriptor', async () => {
    const path = join(await tempDir(), 'a');
    await writeSample(path, { kind: 'embedding' }, [{ name: 'embedding', dtype: 'f32', shape: [100, 16] }]);
    const { offset } = (await readBlockManifest(path)).tensors[0] as TensorInfo;
    const fd = openSync(path, 'r');
    try {
      expect(readRange(fd, offset + 5 * 64, 64)).toEqual(pattern(6400, 7, 3).subarray(320, 384));
      expect(() => readRange(fd, offset + 10_000_000, 1)).toThrowError(code('RANGE'));
    } finally {
      closeSync(fd);
    }
    expect(() => readRange(fd, 0, 1)).toThrowError(code('IO'));
    await expect(readScales(path, { ...W, offset, byteLength: 16 })).rejects.toThrowError(code('RANGE'));
    await expect(readTensor(path, { ...W, offset, byteLength: 1e12 })).rejects.toThrowError(code('RANGE'));
  });

  it('sizes tensors as the format says', () => {
    const sizes = (dtype: TensorSpec['dtype'], shape: number[], quantBlock?: number) =>
      tensorByteLengths({ name: 't', dtype, shape, quantBlock });
    expect(sizes('f32', [3, 5])).toEqual({ byteLength: 60 });
    expect(sizes('bf16', [3, 5])).toEqual({ byteLength: 30 });
    expect(sizes('i8', [3, 33], 32)).toEqual({ byteLength: 3 * 2 * 32, scalesByteLength: 3 * 2 * 4 });
    expect(sizes('i4', [3, 33], 32)).toEqual({ byteLength: 3 * 2 * 16, scalesByteLength: 3 * 2 * 4 });
  });

  it.each([
    ['no name', [{ ...W, name: '' }]],
    ['a name too long', [{ ...W, name: 'x'.repeat(257) }]],
    ['one name twice', [W, W]],
    ['an unknown dtype', [{ ...W, dtype: 'f64' as 'f32' }]],
    ['a negative extent', [{ ...W, shape: [-1] }]],
    ['half an extent', [{ ...W, shape: [1.5] }]],
    ['nine dimensions', [{ ...W, shape: new Array(9).fill(1) }]],
    ['more than a block holds', [{ ...W, shape: [2 ** 30, 2 ** 30, 2 ** 30] }]],
    ['a quantisation block on floats', [{ ...W, quantBlock: 32 }]],
    ['no quantisation block', [{ ...Q, quantBlock: undefined }]],
    ['a quantisation block of 24', [{ ...Q, quantBlock: 24 }]],
    ['a quantised vector', [{ ...Q, shape: [4] }]],
  ])('refuses %s and leaves no file', async (_, specs) => {
    const path = join(await tempDir(), 'a');
    await expect(TensorBlockWriter.create(path, { kind: 'expert' }, specs)).rejects.toThrowError(code('SPEC'));
    expect(existsSync(path)).toBe(false);
  });

  it('refuses a header the format does not have', async () => {
    const path = join(await tempDir(), 'a');
    for (const header of [
      { kind: 'other' },
      { kind: 'expert', layer: -1 },
      { kind: 'expert', model: 'x'.repeat(300) },
    ]) {
      const create = TensorBlockWriter.create(path, header as never, []);
      await expect(create).rejects.toThrowError(code('SPEC'));
    }
    const float = TensorBlockWriter.create(path, { kind: 'expert', meta: { x: 1.5 } }, []);
    await expect(float).rejects.toThrowError(expect.objectContaining({ code: 'ERR_CODEC_CANONICAL_VALUE' }));
    expect(existsSync(path)).toBe(false);
  });

  it('refuses bytes out of turn, too many and too few', async () => {
    const dir = await tempDir();
    const attempt = async (feed: (w: TensorBlockWriter) => Promise<unknown>, expected: unknown) => {
      const path = join(dir, 'a');
      const writer = await TensorBlockWriter.create(path, { kind: 'expert' }, [W, Q]);
      await expect(feed(writer)).rejects.toThrowError(expected as Error);
      await expect(writer.finish()).rejects.toThrowError(code('WRITE_ORDER'));
      await writer.abort();
      expect(existsSync(path)).toBe(false);
    };
    await attempt((w) => w.write('q', new Uint8Array(64)), code('WRITE_ORDER'));
    await attempt((w) => w.write('w', new Uint8Array(17)), code('WRITE_ORDER'));
    await attempt((w) => w.writeScales('w', new Uint8Array(4)), code('WRITE_ORDER'));
    await attempt(
      async (w) => {
        await w.write('w', new Uint8Array(16));
        await w.write('q', new Uint8Array(64));
        await w.writeScales('q', new Uint8Array(7));
        await w.finish();
      },
      expect.objectContaining({ code: 'ERR_TENSORBLOCK_INCOMPLETE', meta: { tensor: 'q', missing: 1 } }),
    );
    const writer = await TensorBlockWriter.create(join(dir, 'b'), { kind: 'expert' }, [W]);
    const first = writer.write('w', new Uint8Array(1));
    await expect(writer.write('w', new Uint8Array(1))).rejects.toThrowError(code('WRITE_ORDER'));
    await first;
    await writer.abort();
  });

  it('does not overwrite, stops when aborted, and says what the system refused', async () => {
    const dir = await tempDir();
    const path = join(dir, 'a');
    const controller = new AbortController();
    const writer = await TensorBlockWriter.create(path, { kind: 'expert' }, [W], controller.signal);
    await expect(TensorBlockWriter.create(path, { kind: 'expert' }, [W])).rejects.toThrowError(code('IO'));
    controller.abort(new Error('enough'));
    await expect(writer.write('w', new Uint8Array(16))).rejects.toThrow('enough');
    await writer.abort();
    await writer.abort();
    expect(existsSync(path)).toBe(false);
    await expect(TensorBlockWriter.create(join(dir, 'no', 'a'), { kind: 'expert' }, [W])).rejects.toThrowError(
      expect.objectContaining({ code: 'ERR_TENSORBLOCK_IO', meta: expect.objectContaining({ errno: 'ENOENT' }) }),
    );
  });
});
