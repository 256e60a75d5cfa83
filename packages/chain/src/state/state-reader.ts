import type { StateProof } from '@blyan/chain-format';
import { sha256, toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import { HASH_BYTES, type TreeNode } from './tree-node.ts';
import { damaged, EMPTY_PAGE, PAGE_LEVELS, PAGE_SLOTS, type TreePage } from './tree-page.ts';

/** A state to read from: keys with their values, and the tree over them. */
export interface StateReader {
  /** Canonical bytes; undefined where the state has no such key. */
  get(key: string): Uint8Array | undefined;
  /** By the hexadecimal digits of the path down to it. */
  page(name: string): TreePage | undefined;
}

/** A state without keys. */
export const EMPTY_STATE: StateReader = { get: () => undefined, page: () => undefined };

const ZEROS = new Uint8Array(HASH_BYTES);

/** What headers commit to. */
export function stateRoot(state: StateReader): Hash {
  return toHex(rootPage(state).nodes[1]?.hash ?? ZEROS);
}

export function rootPage(state: StateReader): TreePage {
  return state.page('') ?? EMPTY_PAGE;
}

/**
 * That this key has the value it has in this state, or none; `verifyStateProof` of `@blyan/light-client` checks it.
 * @throws ChainError ERR_CHAIN_STATE_DAMAGED
 */
export function proveState(state: StateReader, key: string): StateProof {
  const path = sha256(new TextEncoder().encode(key));
  const siblings: Hash[] = [];
  const found = descend(state, path, siblings);
  const same = found?.leaf !== undefined && Buffer.compare(found.leaf.path, path) === 0;
  return {
    key,
    value: same ? (state.get(key) ?? null) : null,
    siblings,
    other:
      same || found?.leaf === undefined
        ? null
        : { path: toHex(found.leaf.path), valueHash: toHex(found.leaf.valueHash) },
  };
}

/** The leaf or the emptiness at the end of a path; collects what stands beside it, from the root down. */
function descend(state: StateReader, path: Uint8Array, siblings: Hash[]): TreeNode | undefined {
  const digits = toHex(path);
  let page = rootPage(state);
  for (let depth = 0; ; depth++) {
    const digit = Number.parseInt(digits[depth] as string, 16);
    let at = 1;
    for (let level = PAGE_LEVELS - 1; ; level--) {
      const node = page.nodes[at];
      if (node === undefined || node.leaf !== undefined) return node;
      if (at >= PAGE_SLOTS) break;
      at = 2 * at + ((digit >> level) & 1);
      siblings.push(toHex(page.nodes[at ^ 1]?.hash ?? ZEROS));
    }
    const name = digits.slice(0, depth + 1);
    const next = state.page(name);
    if (next === undefined) throw damaged(name);
    page = next;
  }
}
