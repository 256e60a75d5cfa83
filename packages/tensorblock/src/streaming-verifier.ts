import { buildTree, fromHex, HASH_BYTES, leafHash, merkleRoot } from '@blyan/crypto';
import type { Root } from '@blyan/interface';
import { FORMAT_VERSION, SUBTILE_BYTES } from './constants.ts';
import { TensorBlockError } from './errors.ts';
import { type BlockGeometry, geometryOf } from './geometry.ts';

export interface StreamingVerifierOptions {
  readonly root: Root;
  /** Of the whole block. */
  readonly byteLength: number;
  /** Hashes of all subtiles, 32 bytes each, when they are known: a bad subtile is then found where it ends. */
  readonly leafHashes?: Uint8Array;
}

/**
 * Verifies a block that arrives front to back, in pieces of any size, stored tree included. Without leaf hashes a fault
 * is found at the end only; with them (they are checked against the root first) at the first bad subtile.
 */
export class StreamingVerifier {
  readonly #geometry: BlockGeometry;
  readonly #root: Root;
  readonly #known: Uint8Array | undefined;
  readonly #leaves: Uint8Array;
  readonly #subtile = new Uint8Array(SUBTILE_BYTES);
  #tree: Uint8Array | null = null;
  #position = 0;

  /** @throws ERR_TENSORBLOCK_LENGTH; ERR_TENSORBLOCK_PROOF when the leaf hashes are not those of the root */
  constructor(options: StreamingVerifierOptions) {
    this.#geometry = geometryOf(options.byteLength);
    this.#root = options.root;
    this.#known = options.leafHashes;
    const size = this.#geometry.leafCount * HASH_BYTES;
    if (this.#known !== undefined && (this.#known.length !== size || !this.#isRoot(buildTree(this.#known)))) {
      throw new TensorBlockError('ERR_TENSORBLOCK_PROOF', `These leaf hashes are not those of ${options.root}.`, {
        kind: 'peer',
        meta: { root: options.root },
      });
    }
    this.#leaves = new Uint8Array(size);
  }

  /**
   * Takes the next bytes.
   *
   * @throws ERR_TENSORBLOCK_LEAF_MISMATCH at a bad subtile; ERR_TENSORBLOCK_TREE_MISMATCH for wrong tree bytes;
   *   ERR_TENSORBLOCK_ROOT_MISMATCH at the end of the data, without leaf hashes; ERR_TENSORBLOCK_LENGTH for too many
   */
  push(bytes: Uint8Array): void {
    const { treeOffset, byteLength } = this.#geometry;
    if (bytes.length > byteLength - this.#position) {
      throw this.#fault('ERR_TENSORBLOCK_LENGTH', `More bytes than the ${byteLength} of ${this.#root}.`, {});
    }
    for (let at = 0; at < bytes.length; ) {
      const left = bytes.length - at;
      if (this.#position >= treeOffset) {
        this.#checkTree(bytes.subarray(at));
        return;
      }
      const filled = this.#position % SUBTILE_BYTES;
      const take = Math.min(left, SUBTILE_BYTES - filled, treeOffset - this.#position);
      this.#subtile.set(bytes.subarray(at, at + take), filled);
      at += take;
      this.#position += take;
      if (filled + take === SUBTILE_BYTES || this.#position === treeOffset) this.#closeSubtile(filled + take);
    }
  }

  /** @throws ERR_TENSORBLOCK_LENGTH unless every byte has come */
  finish(): void {
    const missing = this.#geometry.byteLength - this.#position;
    if (missing > 0) throw this.#fault('ERR_TENSORBLOCK_LENGTH', `${missing} bytes of ${this.#root} are missing.`, {});
  }

  #closeSubtile(length: number): void {
    const index = Math.ceil(this.#position / SUBTILE_BYTES) - 1;
    const hash = leafHash(this.#subtile.subarray(0, length));
    const at = index * HASH_BYTES;
    if (this.#known !== undefined && Buffer.compare(this.#known.subarray(at, at + HASH_BYTES), hash) !== 0) {
      const start = index * SUBTILE_BYTES;
      const text = `Subtile ${index} (bytes ${start} to ${start + length - 1}) of ${this.#root} is not what it should be.`;
      throw this.#fault('ERR_TENSORBLOCK_LEAF_MISMATCH', text, { subtile: index, start, end: start + length });
    }
    this.#leaves.set(hash, at);
    if (this.#position < this.#geometry.treeOffset) return;
    const tree = buildTree(this.#leaves);
    if (!this.#isRoot(tree)) {
      throw this.#fault('ERR_TENSORBLOCK_ROOT_MISMATCH', `The bytes received are not block ${this.#root}.`, {});
    }
    this.#tree = Buffer.concat([tree, fromHex(this.#root)]);
  }

  #checkTree(bytes: Uint8Array): void {
    const from = this.#position - this.#geometry.treeOffset;
    if (Buffer.compare(bytes, (this.#tree as Uint8Array).subarray(from, from + bytes.length)) !== 0) {
      throw this.#fault('ERR_TENSORBLOCK_TREE_MISMATCH', `The hash tree received is not that of ${this.#root}.`, {});
    }
    this.#position += bytes.length;
  }

  #isRoot(tree: Uint8Array): boolean {
    const { byteLength, leafCount } = this.#geometry;
    return (
      Buffer.compare(merkleRoot({ version: FORMAT_VERSION, byteLength, leafCount }, tree), fromHex(this.#root)) === 0
    );
  }

  #fault(code: ConstructorParameters<typeof TensorBlockError>[0], text: string, meta: Record<string, number>) {
    return new TensorBlockError(code, text, { kind: 'peer', meta: { root: this.#root, ...meta } });
  }
}
