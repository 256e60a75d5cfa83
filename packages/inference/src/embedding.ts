import { closeSync, openSync, readSync } from 'node:fs';
import { elementBits, type FloatDType, widenToFloat32 } from '@blyan/model';
import type { TensorInfo } from '@blyan/tensorblock';
import { fileIdentity } from './block-cache.ts';
import type { BlockSource, MappableBlock } from './block-source.ts';
import { InferenceError } from './errors.ts';
import type { ModelView } from './model-view.ts';

/** Reads rows of the embedding from its verified block; the page cache keeps the hot ones. */
export class Embedding {
  readonly #source: BlockSource;
  readonly #open = new Map<string, { block: MappableBlock; fd: number; tensor: TensorInfo }>();

  constructor(source: BlockSource) {
    this.#source = source;
  }

  /**
   * @returns [tokens, hidden]
   * @throws InferenceError ERR_INFERENCE_RANGE for a token id outside the vocabulary.
   */
  async lookup(model: ModelView, tokens: Uint32Array): Promise<Float32Array<ArrayBuffer>> {
    const { hiddenSize, vocabSize } = model.spec;
    const { fd, tensor } = await this.#file(model);
    const rowBytes = tensor.byteLength / vocabSize;
    const row = new Uint8Array(rowBytes);
    const rows = new Float32Array(tokens.length * hiddenSize);
    for (const [index, token] of tokens.entries()) {
      if (token >= vocabSize) {
        throw new InferenceError(
          'ERR_INFERENCE_RANGE',
          `The token id ${token} is outside the vocabulary of ${vocabSize}.`,
          { kind: 'caller', meta: { token } },
        );
      }
      readSync(fd, row, 0, rowBytes, tensor.offset + token * rowBytes);
      rows.set(toF32(row, tensor), index * hiddenSize);
    }
    return rows;
  }

  close(): void {
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  async #file(model: ModelView): Promise<{ fd: number; tensor: TensorInfo }> {
    const root = model.embedding;
    const held = this.#open.get(root);
    if (held && fileIdentity(held.block.path) === held.block.identity) return held;
    if (held) {
      closeSync(held.fd);
      this.#open.delete(root);
    }
    const block = await this.#source.acquire(root);
    const tensor = block.tensors.find(({ name }) => name === 'embedding');
    if (!tensor) throw new InferenceError('ERR_INFERENCE_RUNTIME', `The block ${root} holds no embedding.`);
    const file = { block, fd: openSync(block.path, 'r'), tensor };
    this.#open.set(root, file);
    return file;
  }
}

function toF32(bytes: Uint8Array, tensor: TensorInfo): Float32Array {
  const bits = elementBits(bytes, tensor.dtype as FloatDType);
  return widenToFloat32(bits, tensor.dtype as FloatDType, new Float32Array(bits.length));
}
