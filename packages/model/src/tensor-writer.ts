import type { TensorBlockWriter, TensorDType, TensorSpec } from '@blyan/tensorblock';
import type { Checkpoint, CheckpointTensor, FloatDType } from './checkpoint.ts';
import { ModelError } from './errors.ts';
import { elementBits, FLOAT_BYTES, widenToFloat32 } from './float-convert.ts';
import type { MatrixWindow, TensorPlan } from './import-plan.ts';
import { QUANT_BLOCK, type QuantDType, quantisedRowBytes, quantiseRow } from './quantise.ts';

/** Bytes read from the checkpoint at a time, at least one row; memory is a few times that. */
export const READ_BYTES = 8 << 20;

export interface TensorWriteContext {
  readonly checkpoint: Checkpoint;
  readonly writer: TensorBlockWriter;
  readonly scratch: ScratchBuffers;
  /** READ_BYTES, or less. */
  readonly readBytes: number;
  readonly signal: AbortSignal;
  /** Told after every piece how many bytes of the block were written. */
  onBytes(count: number): void;
}

/** Buffers that live as long as an import and grow to the largest request, a few times `readBytes`. */
export class ScratchBuffers {
  #buffers = new Map<string, ArrayBuffer>();

  /** `byteLength` bytes of undefined content, valid until the next call with the same name. */
  take(name: string, byteLength: number): Uint8Array {
    let buffer = this.#buffers.get(name);
    if (buffer === undefined || buffer.byteLength < byteLength) {
      // Dropped first, so that the old and the new one are never held together.
      this.#buffers.delete(name);
      buffer = new ArrayBuffer(byteLength);
      this.#buffers.set(name, buffer);
    }
    return new Uint8Array(buffer, 0, byteLength);
  }
}

/** Writes one tensor of a block from its sources in the checkpoint, in bounded memory. */
export async function writePlannedTensor(plan: TensorPlan, context: TensorWriteContext): Promise<void> {
  const { dtype } = plan.target;
  if (plan.layout === 'values') return writeValues(plan.target.name, dtype, plan.sources, context);
  if (dtype === 'i8' || dtype === 'i4') return writeQuantised(plan.target.name, dtype, plan.windows, context);
  return writeFloats(plan.target, plan.windows, context);
}

async function writePiece(name: string, bytes: Uint8Array, context: TensorWriteContext): Promise<void> {
  await context.writer.write(name, bytes);
  context.onBytes(bytes.length);
}

async function writeValues(
  name: string,
  dtype: TensorDType,
  sources: readonly CheckpointTensor[],
  context: TensorWriteContext,
): Promise<void> {
  // A multiple of every element size.
  const step = Math.max(4, context.readBytes & ~3);
  for (const source of sources) {
    for (let position = 0; position < source.byteLength; position += step) {
      context.signal.throwIfAborted();
      const length = Math.min(step, source.byteLength - position);
      const bytes = await context.checkpoint.read(source, position, context.scratch.take('read', length));
      if (dtype === source.dtype) {
        await writePiece(name, bytes, context);
        continue;
      }
      const bits = elementBits(bytes, source.dtype);
      const wide = context.scratch.take('wide', bits.length * 4);
      widenToFloat32(bits, source.dtype, new Float32Array(wide.buffer, 0, bits.length));
      await writePiece(name, wide, context);
    }
  }
}

interface RowChunk {
  readonly bits: Uint16Array | Uint32Array;
  /** Elements per row of the source matrix. */
  readonly stride: number;
  readonly rows: number;
}

/** Whole rows of a window's source, some at a time. */
async function* rowChunks(window: MatrixWindow, context: TensorWriteContext): AsyncGenerator<RowChunk, void> {
  const { tensor, rows } = window;
  const stride = tensor.shape[1] as number;
  const rowBytes = stride * FLOAT_BYTES[tensor.dtype];
  const step = Math.max(1, Math.floor(context.readBytes / rowBytes));
  for (let row = rows.from; row < rows.to; row += step) {
    context.signal.throwIfAborted();
    const count = Math.min(step, rows.to - row);
    const target = context.scratch.take('read', count * rowBytes);
    const bytes = await context.checkpoint.read(tensor, row * rowBytes, target);
    yield { bits: elementBits(bytes, tensor.dtype), stride, rows: count };
  }
}

function sizeOf(windows: readonly MatrixWindow[]): { outputs: number; inputs: number } {
  const outputs = windows.reduce((sum, { rows }) => sum + rows.to - rows.from, 0);
  const columns = windows[0]?.columns;
  return { outputs, inputs: columns === undefined ? 0 : columns.to - columns.from };
}

/** [out, in] row by row as the target's shape says: zeros fill the rest of a row, and the rows after the last. */
async function writeFloats(
  target: TensorSpec,
  windows: readonly MatrixWindow[],
  context: TensorWriteContext,
): Promise<void> {
  const dtype = target.dtype as FloatDType;
  const [storedRows = 0, width = 0] = target.shape;
  const { outputs, inputs } = sizeOf(windows);
  const rowBytes = width * FLOAT_BYTES[dtype];
  for (const window of windows) {
    for await (const chunk of rowChunks(window, context)) {
      const bytes = context.scratch.take('rows', chunk.rows * rowBytes);
      copyRows(chunk, window, elementBits(bytes, dtype), { dtype, width, inputs });
      await writePiece(target.name, bytes, context);
    }
  }
  for (let left = (storedRows - outputs) * rowBytes; left > 0; left -= context.readBytes) {
    await writePiece(target.name, new Uint8Array(Math.min(left, context.readBytes)), context);
  }
}

/** A function of its own: inside the async one the same loop runs at half the speed. */
function copyRows(
  { bits, stride, rows }: RowChunk,
  { tensor, columns }: MatrixWindow,
  target: Uint16Array | Uint32Array,
  { dtype, width, inputs }: { dtype: FloatDType; width: number; inputs: number },
): void {
  for (let row = 0; row < rows; row++) {
    const values = bits.subarray(row * stride + columns.from, row * stride + columns.from + inputs);
    const to = target.subarray(row * width, (row + 1) * width);
    if (dtype === tensor.dtype) to.set(values);
    else widenToFloat32(values, tensor.dtype, new Float32Array(to.buffer, to.byteOffset, inputs));
    to.fill(0, inputs);
  }
}

interface QuantisedRows {
  readonly dtype: QuantDType;
  readonly stored: Uint8Array;
  readonly scales: Float32Array;
  /** Where in `scales` the first row goes. */
  readonly scalesAt: number;
  /** Room for one row of f32 values. */
  readonly values: Float32Array;
}

/** A function of its own: inside the async one the same loop runs at half the speed. */
function quantiseChunk(
  { bits, stride, rows }: RowChunk,
  { tensor, columns }: MatrixWindow,
  target: QuantisedRows,
): void {
  const { dtype, stored, scales, scalesAt, values } = target;
  const inputs = values.length;
  const rowBytes = quantisedRowBytes(inputs, dtype);
  const blocks = Math.ceil(inputs / QUANT_BLOCK);
  try {
    for (let row = 0; row < rows; row++) {
      const from = row * stride + columns.from;
      widenToFloat32(bits.subarray(from, from + inputs), tensor.dtype, values);
      quantiseRow(values, dtype, stored, row * rowBytes, scales, scalesAt + row * blocks);
    }
  } catch (cause) {
    throw namedError(cause, tensor);
  }
}

/** [out, in] row by row, the scales after them. */
async function writeQuantised(
  name: string,
  dtype: QuantDType,
  windows: readonly MatrixWindow[],
  context: TensorWriteContext,
): Promise<void> {
  const { outputs, inputs } = sizeOf(windows);
  const blocks = Math.ceil(inputs / QUANT_BLOCK);
  const rowBytes = quantisedRowBytes(inputs, dtype);
  const scales = new Float32Array(outputs * blocks);
  const values = new Float32Array(inputs);
  let done = 0;
  for (const window of windows) {
    for await (const chunk of rowChunks(window, context)) {
      const stored = context.scratch.take('stripe', chunk.rows * rowBytes);
      quantiseChunk(chunk, window, { dtype, stored, scales, scalesAt: done * blocks, values });
      done += chunk.rows;
      await writePiece(name, stored, context);
    }
  }
  const bytes = new Uint8Array(scales.buffer);
  await context.writer.writeScales(name, bytes);
  context.onBytes(bytes.length);
}

function namedError(cause: unknown, { file, name }: CheckpointTensor): unknown {
  if (!(cause instanceof ModelError)) return cause;
  return new ModelError(cause.code, `${file}: tensor "${name}": ${cause.message}`, {
    meta: { file, tensor: name },
    cause,
  });
}
