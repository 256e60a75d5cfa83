import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type BlockHeader, TensorBlockWriter, type TensorSpec, tensorByteLengths } from '../src/index.ts';

/** A directory that is removed after the test. */
export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'blyan-tb-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Byte j is (factor j + floor(j / 1000) + start) mod 256: no two subtiles alike. */
export function pattern(length: number, factor: number, start: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let j = 0; j < length; j++) bytes[j] = j * factor + Math.floor(j / 1000) + start;
  return bytes;
}

/** Values of tensor i: factor 7, start i + 3; scales: factor 5, start i + 1. */
export async function writeSample(path: string, header: BlockHeader, specs: readonly TensorSpec[], piece = 100_000) {
  const writer = await TensorBlockWriter.create(path, header, specs);
  for (const [i, spec] of specs.entries()) {
    const { byteLength, scalesByteLength } = tensorByteLengths(spec);
    const values = pattern(byteLength, 7, i + 3);
    for (let at = 0; at < values.length; at += piece) await writer.write(spec.name, values.subarray(at, at + piece));
    if (scalesByteLength !== undefined) await writer.writeScales(spec.name, pattern(scalesByteLength, 5, i + 1));
  }
  return await writer.finish();
}

/** 21 subtiles, two tiles, every dtype, an empty tensor and regions that end in the middle of a subtile. */
export const EVERY_DTYPE: { header: BlockHeader; tensors: TensorSpec[] } = {
  header: { kind: 'expert', model: 'sample', layer: 2, expert: 5, slice: 1, sliceCount: 4, meta: { note: 'ünï' } },
  tensors: [
    { name: 'gate_proj', dtype: 'f32', shape: [1000, 1001] },
    { name: 'half', dtype: 'f16', shape: [3] },
    { name: 'brain', dtype: 'bf16', shape: [2, 2, 2] },
    { name: 'empty', dtype: 'f32', shape: [0, 8] },
    { name: 'eight', dtype: 'i8', shape: [70, 100], quantBlock: 32 },
    { name: 'four', dtype: 'i4', shape: [33, 1000], quantBlock: 16 },
    { name: 'scalar', dtype: 'f32', shape: [] },
    { name: 'raw', dtype: 'u8', shape: [800_001] },
  ],
};
