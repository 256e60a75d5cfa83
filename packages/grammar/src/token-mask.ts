import type { TokenTrie } from './token-trie.ts';

/** Which tokens may come: bit `id & 7` of byte `id >> 3`. */
export type TokenMask = Uint8Array<ArrayBuffer>;

export function emptyMask(vocabularySize: number): TokenMask {
  return new Uint8Array((vocabularySize + 7) >> 3);
}

export function allow(mask: TokenMask, id: number): void {
  mask[id >> 3] = (mask[id >> 3] as number) | (1 << (id & 7));
}

/** Allows all tokens whose bytes end at a node. */
export function allowAt(mask: TokenMask, trie: TokenTrie, node: number): void {
  for (let id = trie.tokenAt(node); id >= 0; id = trie.sameBytesAs(id)) allow(mask, id);
}

export function isAllowed(mask: TokenMask, id: number): boolean {
  return ((mask[id >> 3] ?? 0) & (1 << (id & 7))) !== 0;
}

export function addMask(mask: TokenMask, other: TokenMask): void {
  for (let index = 0; index < mask.length; index++) mask[index] = (mask[index] as number) | (other[index] as number);
}

/** Takes away all tokens that end at a node or behind it. */
export function removeFrom(mask: TokenMask, trie: TokenTrie, node: number): void {
  for (let id = trie.tokenAt(node); id >= 0; id = trie.sameBytesAs(id)) {
    mask[id >> 3] = (mask[id >> 3] as number) & ~(1 << (id & 7));
  }
  for (const child of trie.childrenOf(node)) removeFrom(mask, trie, child);
}
