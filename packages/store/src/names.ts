import type { Root } from '@blyan/interface';

export const PINS_FILE = 'pins.json';
export const TEMP_SUFFIX = '.tmp';

export function blockFileName(root: Root): string {
  return `${root}.tb`;
}

/** Derived from block `source`, with a content id of its own. */
export function derivedFileName(source: Root, root: Root): string {
  return `${source}.${root}.eeb`;
}

export type FileName =
  | { readonly type: 'block'; readonly root: Root }
  | { readonly type: 'derived'; readonly source: Root; readonly root: Root }
  | { readonly type: 'temporary' }
  | { readonly type: 'other' };

export function parseFileName(name: string): FileName {
  const block = /^([0-9a-f]{64})\.tb$/.exec(name);
  if (block !== null) return { type: 'block', root: block[1] as Root };
  const derived = /^([0-9a-f]{64})\.([0-9a-f]{64})\.eeb$/.exec(name);
  if (derived !== null) return { type: 'derived', source: derived[1] as Root, root: derived[2] as Root };
  return { type: name.endsWith(TEMP_SUFFIX) ? 'temporary' : 'other' };
}
