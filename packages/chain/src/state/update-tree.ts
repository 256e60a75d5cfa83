import { sha256, toHex } from '@blyan/crypto';
import { rootPage, type StateReader } from './state-reader.ts';
import { leafNode, type TreeNode } from './tree-node.ts';
import { damaged, EMPTY_PAGE, slotOf, type TreePage, withSlots } from './tree-page.ts';

/** A key's new leaf, or none. */
interface LeafChange {
  /** The path in hexadecimal digits. */
  readonly digits: string;
  readonly node: TreeNode | undefined;
}

/** New pages by name; null where there is none any more. */
export type PageChanges = Map<string, TreePage | null>;

/**
 * The pages of the tree that these changes of values alter. One pass down and up over the sorted paths: every hash is
 * computed once.
 * @throws ChainError ERR_CHAIN_STATE_DAMAGED when a page is missing
 */
export function updateTree(state: StateReader, values: ReadonlyMap<string, Uint8Array | null>): PageChanges {
  const encoder = new TextEncoder();
  const changes = Array.from(values, ([key, value]): LeafChange => {
    const path = sha256(encoder.encode(key));
    return { digits: toHex(path), node: value === null ? undefined : leafNode(path, sha256(value)) };
  });
  changes.sort((a, b) => (a.digits < b.digits ? -1 : 1));
  const pages: PageChanges = new Map();
  if (changes.length > 0) pages.set('', changePage(state, pages, '', rootPage(state), changes));
  return pages;
}

/** The page with the changes below it made, and the pages below it in `pages`. */
function changePage(
  state: StateReader,
  pages: PageChanges,
  name: string,
  page: TreePage,
  changes: readonly LeafChange[],
): TreePage {
  const slots: [number, TreeNode | undefined][] = [];
  for (let from = 0; from < changes.length; ) {
    const digit = (changes[from] as LeafChange).digits[name.length] as string;
    let to = from + 1;
    while (to < changes.length && (changes[to] as LeafChange).digits[name.length] === digit) to++;
    const slot = Number.parseInt(digit, 16);
    slots.push([slot, changeSlot(state, pages, name + digit, slotOf(page, slot), changes.slice(from, to))]);
    from = to;
  }
  return withSlots(page, slots);
}

function changeSlot(
  state: StateReader,
  pages: PageChanges,
  name: string,
  before: TreeNode | undefined,
  changes: readonly LeafChange[],
): TreeNode | undefined {
  if (before !== undefined && before.leaf === undefined) {
    const page = state.page(name);
    if (page === undefined) throw damaged(name);
    return settle(pages, name, changePage(state, pages, name, page, changes));
  }
  const leaves = withLeaf(before, changes);
  if (leaves.length <= 1) return leaves[0]?.node;
  return settle(pages, name, changePage(state, pages, name, EMPTY_PAGE, leaves));
}

/** What a page is in its parent's slot: a page whose content has shrunk to one leaf goes, and the leaf moves up. */
function settle(pages: PageChanges, name: string, page: TreePage): TreeNode | undefined {
  const top = page.nodes[1];
  const shrunk = top === undefined || top.leaf !== undefined;
  pages.set(name, shrunk ? null : page);
  return top;
}

/** The leaves that will be there where now is at most one, by path. */
function withLeaf(before: TreeNode | undefined, changes: readonly LeafChange[]): readonly LeafChange[] {
  const leaves = changes.filter(({ node }) => node !== undefined);
  if (before?.leaf === undefined) return leaves;
  const digits = toHex(before.leaf.path);
  if (changes.some((change) => change.digits === digits)) return leaves;
  const at = leaves.findIndex((change) => change.digits > digits);
  leaves.splice(at < 0 ? leaves.length : at, 0, { digits, node: before });
  return leaves;
}
