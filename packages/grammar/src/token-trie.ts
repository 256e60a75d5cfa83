/** A vocabulary as a trie over bytes. Nodes are numbers; 0 is the root. */
export class TokenTrie {
  readonly #bytes: readonly Uint8Array[];
  readonly #byte: Uint8Array;
  readonly #firstChild: Int32Array;
  readonly #sibling: Int32Array;
  /** The first token that ends at a node, and the next one with the same bytes; -1 for none. */
  readonly #token: Int32Array;
  readonly #sameBytes: Int32Array;

  /** @param bytes of each token id; tokens without bytes are left out */
  constructor(bytes: readonly Uint8Array[]) {
    this.#bytes = bytes;
    const most = bytes.reduce((sum, { length }) => sum + length, 1);
    this.#byte = new Uint8Array(most);
    this.#firstChild = new Int32Array(most).fill(-1);
    this.#sibling = new Int32Array(most).fill(-1);
    this.#token = new Int32Array(most).fill(-1);
    this.#sameBytes = new Int32Array(bytes.length).fill(-1);
    let size = 1;
    bytes.forEach((token, id) => {
      if (token.length === 0) return;
      let node = 0;
      for (const byte of token) {
        let child = this.#childOf(node, byte);
        if (child < 0) {
          child = size++;
          this.#byte[child] = byte;
          this.#sibling[child] = this.#firstChild[node] as number;
          this.#firstChild[node] = child;
        }
        node = child;
      }
      this.#sameBytes[id] = this.#token[node] as number;
      this.#token[node] = id;
    });
  }

  bytesOf(id: number): Uint8Array {
    return this.#bytes[id] ?? new Uint8Array(0);
  }

  *childrenOf(node: number): Generator<number> {
    for (let child = this.#firstChild[node] as number; child >= 0; child = this.#sibling[child] as number) yield child;
  }

  byteOf(node: number): number {
    return this.#byte[node] as number;
  }

  /** The first of the tokens that end at a node; -1 for none. Go on with `sameBytesAs`. */
  tokenAt(node: number): number {
    return this.#token[node] as number;
  }

  sameBytesAs(id: number): number {
    return this.#sameBytes[id] as number;
  }

  #childOf(node: number, byte: number): number {
    let child = this.#firstChild[node] as number;
    while (child >= 0 && this.#byte[child] !== byte) child = this.#sibling[child] as number;
    return child;
  }
}
