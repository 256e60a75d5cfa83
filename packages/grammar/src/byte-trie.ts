/** A set of byte strings, each with a number. */
export interface ByteTrie {
  readonly children: ReadonlyMap<number, ByteTrie>;
  /** Of the string that ends here; -1 for none. */
  readonly value: number;
  /** Of the strings that end here or behind it, ascending. */
  readonly values: readonly number[];
}

interface Node extends ByteTrie {
  readonly children: Map<number, Node>;
  value: number;
  readonly values: number[];
}

const utf8 = new TextEncoder();

/** The trie of the texts' UTF-8 bytes; a text's number is its index. Of equal texts the first one counts. */
export function byteTrie(texts: readonly string[]): ByteTrie {
  const node = (): Node => ({ children: new Map(), value: -1, values: [] });
  const root = node();
  texts.forEach((text, index) => {
    let at = root;
    at.values.push(index);
    for (const byte of utf8.encode(text)) {
      let next = at.children.get(byte);
      if (!next) {
        next = node();
        at.children.set(byte, next);
      }
      at = next;
      at.values.push(index);
    }
    if (at.value < 0) at.value = index;
  });
  return root;
}
