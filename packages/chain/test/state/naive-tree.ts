import { createHash } from 'node:crypto';
import type { StateProof } from '@blyan/chain-format';

const ZEROS = '0'.repeat(64);
const digest = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(typeof part === 'string' ? Buffer.from(part, 'hex') : part);
  return hash.digest('hex');
};
const pathOf = (key: string) => digest(new TextEncoder().encode(key));
const bit = (path: string, depth: number) => (Number.parseInt(path[depth >> 2] as string, 16) >> (3 - (depth & 3))) & 1;

/** The state tree written down as it is specified, from scratch each time. */
export function naiveRoot(state: ReadonlyMap<string, Uint8Array>): string {
  const leaves = Array.from(state, ([key, value]) => ({ path: pathOf(key), valueHash: digest(value) }));
  const subtree = (within: typeof leaves, depth: number): string => {
    if (within.length === 0) return ZEROS;
    const [first] = within;
    if (within.length === 1 && first) return digest('00', first.path, first.valueHash);
    const side = (which: number) =>
      subtree(
        within.filter(({ path }) => bit(path, depth) === which),
        depth + 1,
      );
    return digest('01', side(0), side(1));
  };
  return subtree(leaves, 0);
}

/** A proof checked as it is specified. */
export function naiveCheck(root: string, { key, value, siblings, other }: StateProof): boolean {
  const path = pathOf(key);
  if (siblings.length > 256 || (value !== null && other !== null)) return false;
  // Another leaf proves absence only if it is found where the key's own would be.
  if (other !== null) {
    if (other.path === path) return false;
    for (let depth = 0; depth < siblings.length; depth++) if (bit(other.path, depth) !== bit(path, depth)) return false;
  }
  let hash = value !== null ? digest('00', path, digest(value)) : ZEROS;
  if (other !== null) hash = digest('00', other.path, other.valueHash);
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth] as string;
    hash = bit(path, depth) === 0 ? digest('01', hash, sibling) : digest('01', sibling, hash);
  }
  return hash === root;
}
