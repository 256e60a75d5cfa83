import { writeFile } from 'node:fs/promises';
import { dequantiseRow, paddedLength, quantisedRowBytes, quantiseRow } from '@blyan/model';
import type { TensorInfo } from '@blyan/tensorblock';
import { fileIdentity, type MappableBlock } from '../src/index.ts';
import { noise } from './noise.ts';

const ALIGNMENT = 65_536;

export interface TestMatrix {
  readonly name: string;
  readonly out: number;
  readonly in: number;
}

export interface MatrixFile {
  readonly block: MappableBlock;
  /** The numbers that the file stands for, [out, in]. */
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** A file of random matrices in the engine's layout; the raising ones of an expert have padded rows as well. */
export async function writeMatrices(
  path: string,
  dtype: 'f32' | 'i8' | 'i4',
  matrices: readonly TestMatrix[],
): Promise<MatrixFile> {
  const parts: Uint8Array[] = [];
  const tensors: TensorInfo[] = [];
  const values = new Map<string, Float32Array>();
  let end = 0;
  const append = (bytes: Uint8Array): { offset: number; byteLength: number } => {
    const offset = end;
    const space = Math.ceil(bytes.byteLength / ALIGNMENT) * ALIGNMENT - bytes.byteLength;
    parts.push(bytes, new Uint8Array(space));
    end += bytes.byteLength + space;
    return { offset, byteLength: bytes.byteLength };
  };
  for (const [index, { name, out, in: width }] of matrices.entries()) {
    const weights = noise(out * width, index + 1, 1 / Math.sqrt(width));
    const row = (r: number) => weights.subarray(r * width, (r + 1) * width);
    if (dtype === 'f32') {
      const raising = name.endsWith('gate_proj') || name.endsWith('up_proj');
      const [rows, stride] = [raising ? paddedLength(out) : out, paddedLength(width)];
      const stored = new Float32Array(rows * stride);
      for (let r = 0; r < out; r++) stored.set(row(r), r * stride);
      tensors.push({ name, dtype, shape: [rows, stride], ...append(new Uint8Array(stored.buffer)) });
    } else {
      const [rowBytes, blocks] = [quantisedRowBytes(width, dtype), Math.ceil(width / 32)];
      const [stored, scales] = [new Uint8Array(out * rowBytes), new Float32Array(out * blocks)];
      for (let r = 0; r < out; r++) {
        quantiseRow(row(r), dtype, stored, r * rowBytes, scales, r * blocks);
        dequantiseRow(stored, r * rowBytes, dtype, scales, r * blocks, row(r));
      }
      const data = append(stored);
      const { offset: scalesOffset, byteLength: scalesByteLength } = append(new Uint8Array(scales.buffer));
      tensors.push({ name, dtype, shape: [out, width], quantBlock: 32, ...data, scalesOffset, scalesByteLength });
    }
    values.set(name, weights);
  }
  await writeFile(path, Buffer.concat(parts));
  return { block: { root: 'ab'.repeat(32), path, tensors, identity: fileIdentity(path) }, values };
}
