import { closeSync, openSync, readSync } from 'node:fs';
import { elementBits, type FloatDType, widenToFloat32 } from '@blyan/model';
import type { TensorInfo } from '@blyan/tensorblock';
import type { BlockSource, MappableBlock } from './block-source.ts';
import { InferenceError } from './errors.ts';
import { KeptFile } from './file-identity.ts';
import type { ModelView } from './model-view.ts';

interface OpenFile {
  readonly block: MappableBlock;
  readonly fd: number;
  readonly kept: KeptFile;
  readonly tensor: TensorInfo;
}

/** Reads rows of the embedding from its verified block; the page cache keeps the hot ones. */
export class Embedding {
  readonly #source: BlockSource;
  readonly #files = new Map<string, OpenFile>();
  readonly #opening = new Map<string, Promise<void>>();

  constructor(source: BlockSource) {
    this.#source = source;
  }

  /**
   * @returns [tokens, hidden]
   * @throws InferenceError ERR_INFERENCE_RANGE for a token id outside the vocabulary.
   */
  async lookup(model: ModelView, tokens: Uint32Array): Promise<Float32Array<ArrayBuffer>> {
    const { vocabSize } = model.spec;
    const token = tokens.find((id) => id >= vocabSize);
    if (token !== undefined) {
      const message = `The token id ${token} is outside the vocabulary of ${vocabSize}.`;
      throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'caller', meta: { token } });
    }
    for (;;) {
      // Looked up, checked and read in one go: another call may close the file whenever this one waits.
      const file = this.#files.get(model.embedding);
      if (file?.kept.isSame()) {
        const rows = readRows(file, model, tokens);
        // Not if the file changed while it was read.
        if (file.kept.isSame()) return rows;
      }
      await this.#reopen(model.embedding, file);
    }
  }

  close(): void {
    for (const file of this.#files.values()) closeFile(file);
    this.#files.clear();
  }

  /** Forgets the embedding of a model. */
  drop(root: string): void {
    const file = this.#files.get(root);
    if (!file) return;
    this.#files.delete(root);
    closeFile(file);
  }

  /** Calls for one block share one verification. */
  #reopen(root: string, stale: OpenFile | undefined): Promise<void> {
    const opening = this.#opening.get(root) ?? this.#openFile(root, stale).finally(() => this.#opening.delete(root));
    this.#opening.set(root, opening);
    return opening;
  }

  async #openFile(root: string, stale: OpenFile | undefined): Promise<void> {
    if (stale) {
      closeFile(stale);
      this.#files.delete(root);
    }
    const block = await this.#source.acquire(root);
    const tensor = block.tensors.find(({ name }) => name === 'embedding');
    if (!tensor) throw new InferenceError('ERR_INFERENCE_RUNTIME', `The block ${root} holds no embedding.`);
    const fd = openSync(block.path, 'r');
    this.#files.set(root, { block, fd, kept: new KeptFile(block), tensor });
  }
}

function closeFile({ fd, kept }: OpenFile): void {
  closeSync(fd);
  kept.close();
}

function readRows(
  { fd, tensor, block }: OpenFile,
  { spec }: ModelView,
  tokens: Uint32Array,
): Float32Array<ArrayBuffer> {
  const rowBytes = tensor.byteLength / spec.vocabSize;
  const row = new Uint8Array(rowBytes);
  const rows = new Float32Array(tokens.length * spec.hiddenSize);
  for (const [index, token] of tokens.entries()) {
    if (readSync(fd, row, 0, rowBytes, tensor.offset + token * rowBytes) !== rowBytes) {
      throw new InferenceError(
        'ERR_INFERENCE_RUNTIME',
        `The file of block ${block.root} ends before its embedding does.`,
      );
    }
    const dtype = tensor.dtype as FloatDType;
    widenToFloat32(
      elementBits(row, dtype),
      dtype,
      rows.subarray(index * spec.hiddenSize, (index + 1) * spec.hiddenSize),
    );
  }
  return rows;
}
