import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from './errors.ts';
import type { JsonObject } from './hf-defaults.ts';
import { MAX_HEADER_BYTES, parseSafetensorsHeader } from './safetensors-header.ts';

export type FloatDType = 'f32' | 'f16' | 'bf16';

/** Where a tensor of a checkpoint lies. */
export interface CheckpointTensor {
  readonly name: string;
  readonly dtype: FloatDType;
  readonly shape: readonly number[];
  /** File name inside the checkpoint folder. */
  readonly file: string;
  /** Absolute, in bytes. */
  readonly offset: number;
  readonly byteLength: number;
}

const DTYPES: Readonly<Record<string, FloatDType>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };
const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 64 << 20;
const MAX_SHARDS = 4_096;

function checkpointError(file: string, message: string, cause?: unknown): ModelError {
  return new ModelError('ERR_MODEL_CHECKPOINT', message, { meta: { file }, cause });
}

/**
 * A file of the folder, whole, or null when it is not there.
 * @throws ModelError ERR_MODEL_CHECKPOINT when it is not a regular file or longer than `maxBytes`
 */
export async function readSmallFile(dir: string, file: string, maxBytes: number): Promise<Uint8Array | null> {
  const path = join(dir, file);
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw checkpointError(file, `${path} cannot be read: ${error.message}.`, error);
  });
  if (info === null) return null;
  if (!info.isFile()) throw checkpointError(file, `${path} is not a regular file.`);
  if (info.size > maxBytes) {
    throw checkpointError(file, `${path} has ${info.size} bytes; at most ${maxBytes} are accepted.`);
  }
  return readFile(path);
}

/** Parses a JSON object of the checkpoint. @throws ModelError ERR_MODEL_CHECKPOINT when it is not one */
export function parseJsonObject(bytes: Uint8Array, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw checkpointError(file, `${file} is not valid JSON. Download it again.`, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw checkpointError(file, `${file} is not a JSON object. Download it again.`);
  }
  return value as JsonObject;
}

async function shardMap(dir: string): Promise<{ files: string[]; weightMap: Map<string, string> | null }> {
  // As in transformers, the single file wins when both are there.
  if ((await stat(join(dir, SINGLE_FILE)).catch(() => null)) !== null) return { files: [SINGLE_FILE], weightMap: null };
  const bytes = await readSmallFile(dir, INDEX_FILE, MAX_INDEX_BYTES);
  if (bytes === null) {
    throw checkpointError(
      SINGLE_FILE,
      `${dir} has neither ${SINGLE_FILE} nor ${INDEX_FILE}: point to a Hugging Face checkpoint in safetensors format.`,
    );
  }
  const map = parseJsonObject(bytes, INDEX_FILE).weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw checkpointError(INDEX_FILE, `${INDEX_FILE} has no "weight_map".`);
  }
  const weightMap = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map as Record<string, unknown>)) {
    if (typeof file !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.safetensors$/.test(file)) {
      throw checkpointError(
        INDEX_FILE,
        `${INDEX_FILE} places tensor ${JSON.stringify(tensor.slice(0, 200))} in something that is not a plain *.safetensors file name.`,
      );
    }
    weightMap.set(tensor, file);
  }
  const files = [...new Set(weightMap.values())].sort();
  if (files.length > MAX_SHARDS)
    throw checkpointError(INDEX_FILE, `${INDEX_FILE} lists more than ${MAX_SHARDS} files.`);
  return { files, weightMap };
}

/** Reads exactly `target.length` bytes at `position`, or says which file is shorter than it was. */
export async function readExactly(
  handle: FileHandle,
  target: Uint8Array,
  position: number,
  file: string,
): Promise<Uint8Array> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) {
      throw new ModelError('ERR_MODEL_SAFETENSORS', `${file} is truncated at byte ${position + done}.`, {
        meta: { file },
      });
    }
    done += bytesRead;
  }
  return target;
}

/** An opened Hugging Face checkpoint folder: its tensors by name, read in pieces. */
export class Checkpoint implements AsyncDisposable {
  readonly dir: string;
  /** SHA-256 over each file's name, size, modification time and header: changes when the checkpoint does. */
  readonly fingerprint: string;
  readonly #handles: Map<string, FileHandle>;
  readonly #tensors: Map<string, { tensor: Omit<CheckpointTensor, 'dtype'>; dtype: string }>;

  private constructor(
    dir: string,
    fingerprint: string,
    handles: Map<string, FileHandle>,
    tensors: Map<string, { tensor: Omit<CheckpointTensor, 'dtype'>; dtype: string }>,
  ) {
    this.dir = dir;
    this.fingerprint = fingerprint;
    this.#handles = handles;
    this.#tensors = tensors;
  }

  /**
   * Opens every shard and checks every header against its file.
   * @throws ModelError ERR_MODEL_CHECKPOINT (no weights, bad index, missing shard), ERR_MODEL_SAFETENSORS (bad or
   *   truncated shard), ERR_MODEL_TENSOR_MISSING (the index names a tensor its shard lacks)
   */
  static async open(dir: string, signal?: AbortSignal): Promise<Checkpoint> {
    const { files, weightMap } = await shardMap(dir);
    const handles = new Map<string, FileHandle>();
    const tensors = new Map<string, { tensor: Omit<CheckpointTensor, 'dtype'>; dtype: string }>();
    const hash = createHash('sha256');
    try {
      for (const file of files) {
        signal?.throwIfAborted();
        const path = join(dir, file);
        const info = await stat(path).catch((cause) => {
          throw checkpointError(file, `The checkpoint lacks ${path}, which ${INDEX_FILE} lists.`, cause);
        });
        if (!info.isFile()) throw checkpointError(file, `${path} is not a regular file.`);
        const handle = await open(path, 'r');
        handles.set(file, handle);
        if (info.size < 8) {
          throw new ModelError('ERR_MODEL_SAFETENSORS', `${file} is truncated: it has ${info.size} bytes.`, {
            meta: { file },
          });
        }
        const lengthBytes = await readExactly(handle, new Uint8Array(8), 0, file);
        const headerBytes = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
        if (headerBytes > MAX_HEADER_BYTES || headerBytes > info.size - 8) {
          throw new ModelError(
            'ERR_MODEL_SAFETENSORS',
            `${file} is not a safetensors file, or is truncated: its header claims ${headerBytes} bytes.`,
            { meta: { file } },
          );
        }
        const json = await readExactly(handle, new Uint8Array(headerBytes), 8, file);
        hash.update(`${file}\0${info.size}\0${info.mtimeMs}\0`).update(json);
        for (const entry of parseSafetensorsHeader(json, info.size - 8 - headerBytes, file)) {
          if (weightMap !== null && weightMap.get(entry.name) !== file) continue;
          const { name, dtype, shape, begin, end } = entry;
          const tensor = { name, shape, file, offset: 8 + headerBytes + begin, byteLength: end - begin };
          tensors.set(name, { tensor, dtype });
        }
      }
      for (const [name, file] of weightMap ?? []) {
        if (tensors.has(name)) continue;
        throw new ModelError(
          'ERR_MODEL_TENSOR_MISSING',
          `${file} lacks tensor "${name}", which ${INDEX_FILE} places there.`,
          {
            meta: { file, tensor: name },
          },
        );
      }
    } catch (error) {
      for (const handle of handles.values()) await handle.close();
      throw error;
    }
    return new Checkpoint(dir, hash.digest('hex'), handles, tensors);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  names(): string[] {
    return [...this.#tensors.keys()];
  }

  shapeOf(name: string): readonly number[] | null {
    return this.#tensors.get(name)?.tensor.shape ?? null;
  }

  /**
   * The tensor, which must have exactly this shape and be BF16, F16 or F32.
   * @throws ModelError ERR_MODEL_TENSOR_MISSING, ERR_MODEL_TENSOR_SHAPE or ERR_MODEL_TENSOR_DTYPE, naming file and tensor
   */
  tensor(name: string, shape: readonly number[]): CheckpointTensor {
    const found = this.#tensors.get(name);
    if (found === undefined) {
      throw new ModelError('ERR_MODEL_TENSOR_MISSING', `The checkpoint in ${this.dir} lacks tensor "${name}".`, {
        meta: { tensor: name, file: this.dir },
      });
    }
    const { file, shape: actual } = found.tensor;
    const meta = { file, tensor: name };
    if (actual.length !== shape.length || actual.some((size, i) => size !== shape[i])) {
      const message = `${file}: tensor "${name}" has shape [${actual}], but config.json calls for [${shape}].`;
      throw new ModelError('ERR_MODEL_TENSOR_SHAPE', message, { meta });
    }
    const dtype = DTYPES[found.dtype];
    if (dtype === undefined) {
      const message = `${file}: tensor "${name}" is ${found.dtype}; only BF16, F16 and F32 weights can be imported.`;
      throw new ModelError('ERR_MODEL_TENSOR_DTYPE', message, { meta });
    }
    return { ...found.tensor, dtype };
  }

  /** Fills `target` with the tensor's bytes from `position` (relative to the tensor). */
  async read(tensor: CheckpointTensor, position: number, target: Uint8Array): Promise<Uint8Array> {
    const handle = this.#handles.get(tensor.file) as FileHandle;
    return readExactly(handle, target, tensor.offset + position, tensor.file);
  }

  async close(): Promise<void> {
    const handles = [...this.#handles.values()];
    this.#handles.clear();
    for (const handle of handles) await handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
