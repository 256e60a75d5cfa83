import { ChainError } from '../errors.ts';
import { HASH_BYTES, leafNode, parentNode, type TreeNode } from './tree-node.ts';

/** Levels of the tree that are kept together. */
export const PAGE_LEVELS = 4;
export const PAGE_SLOTS = 1 << PAGE_LEVELS;

/**
 * Four levels of the tree below one place, named by the hexadecimal digits of the path down to it; the root's name is empty.
 * `nodes[1]` is the place itself, the children of i are 2i and 2i + 1, and `nodes[16]` to `nodes[31]` are the slots: what
 * is there below the next digit. A slot that is no leaf has a page of its own. Pages other than the root hold two leaves or
 * more, below them too. Never changed once made.
 */
export interface TreePage {
  readonly nodes: readonly (TreeNode | undefined)[];
}

const NO_NODES: readonly undefined[] = new Array(2 * PAGE_SLOTS).fill(undefined);
export const EMPTY_PAGE: TreePage = { nodes: NO_NODES };

export function slotOf(page: TreePage, digit: number): TreeNode | undefined {
  return page.nodes[PAGE_SLOTS + digit];
}

/** The page with these slots put in; only hashes above a slot that changed are computed. */
export function withSlots(
  page: TreePage,
  slots: readonly (readonly [digit: number, TreeNode | undefined])[],
): TreePage {
  const nodes = page.nodes.slice();
  let changed = 0;
  for (const [digit, node] of slots) {
    if (nodes[PAGE_SLOTS + digit] === node) continue;
    nodes[PAGE_SLOTS + digit] = node;
    changed |= 1 << ((PAGE_SLOTS + digit) >> 1);
  }
  for (let i = PAGE_SLOTS - 1; i > 0; i--) {
    if ((changed & (1 << i)) === 0) continue;
    nodes[i] = parentNode(nodes[2 * i], nodes[2 * i + 1]);
    changed |= 1 << (i >> 1);
  }
  return { nodes };
}

/** Two bitmaps of the slots, little-endian: the occupied, the leaves. Then path and value hash of a leaf, or the hash, by slot. */
export function encodePage({ nodes }: TreePage): Uint8Array {
  let occupied = 0;
  let leaves = 0;
  let length = 4;
  for (let digit = 0; digit < PAGE_SLOTS; digit++) {
    const node = nodes[PAGE_SLOTS + digit];
    if (node === undefined) continue;
    occupied |= 1 << digit;
    if (node.leaf !== undefined) leaves |= 1 << digit;
    length += node.leaf === undefined ? HASH_BYTES : 2 * HASH_BYTES;
  }
  const bytes = new Uint8Array(length);
  bytes.set([occupied & 0xff, occupied >> 8, leaves & 0xff, leaves >> 8]);
  let at = 4;
  for (let digit = 0; digit < PAGE_SLOTS; digit++) {
    const node = nodes[PAGE_SLOTS + digit];
    if (node === undefined) continue;
    for (const part of node.leaf === undefined ? [node.hash] : [node.leaf.path, node.leaf.valueHash]) {
      bytes.set(part, at);
      at += HASH_BYTES;
    }
  }
  return bytes;
}

/**
 * The page of these bytes, its hashes computed.
 * @throws ChainError ERR_CHAIN_STATE_DAMAGED when they are none
 */
export function decodePage(bytes: Uint8Array, name: string): TreePage {
  const word = (at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  const occupied = word(0);
  const leaves = word(2);
  const slots: [number, TreeNode][] = [];
  let at = 4;
  for (let digit = 0; digit < PAGE_SLOTS; digit++) {
    if ((occupied & (1 << digit)) === 0) continue;
    const first = bytes.slice(at, at + HASH_BYTES);
    const isLeaf = (leaves & (1 << digit)) !== 0;
    slots.push([digit, isLeaf ? leafNode(first, bytes.slice(at + HASH_BYTES, at + 2 * HASH_BYTES)) : { hash: first }]);
    at += isLeaf ? 2 * HASH_BYTES : HASH_BYTES;
  }
  if (at !== bytes.length || (leaves & ~occupied) !== 0) throw damaged(name);
  return withSlots(EMPTY_PAGE, slots);
}

export function damaged(name: string): ChainError {
  return new ChainError(
    'ERR_CHAIN_STATE_DAMAGED',
    `The state on disk is damaged at t/${name}; fetch a snapshot or replay the chain.`,
    { kind: 'internal', meta: { key: `t/${name}` } },
  );
}
