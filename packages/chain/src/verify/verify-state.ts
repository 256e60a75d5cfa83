import type { Hash, KeyValueReader } from '@blyan/interface';
import { pageKey, StateOverlay, valueKey } from '../state/state-overlay.ts';
import { encodePage } from '../state/tree-page.ts';
import type { Findings } from './findings.ts';
import { ReplayedState } from './replayed-state.ts';
import { same } from './verify-blocks.ts';

const VALUES_AT_ONCE = 4_096;

/**
 * That the state on disk is the one of the head: its values and the tree over them, every page. The tree is built again from the
 * values; if it has the head's root, pages that differ are damaged, otherwise values are.
 *
 * @param replayed - the state that the blocks lead to, where they were executed: it names the values that differ
 */
export async function verifyState(
  store: KeyValueReader,
  headKey: string,
  stateRoot: Hash,
  replayed: ReplayedState | null,
  findings: Findings,
): Promise<void> {
  const rebuilt = await rebuild(store, replayed, findings);
  for (const key of replayed?.values().keys() ?? []) {
    if (store.get(valueKey(key)) === undefined) findings.add(valueKey(key), 'the value is missing');
  }
  if (rebuilt.root !== stateRoot && replayed === null) {
    findings.add(headKey, 'the values of the state under s/ do not give its state root');
  }
  const pages = (rebuilt.root === stateRoot || replayed === null ? rebuilt.state : replayed).pages();
  for (const [name, page] of pages) {
    const key = pageKey(name);
    const bytes = store.get(key);
    if (bytes === undefined) findings.add(key, 'the page is missing');
    else if (!same(bytes, encodePage(page))) findings.add(key, 'the page is another');
  }
  for await (const [key] of store.entries({ from: 't/', to: 't0' })) {
    if (!pages.has(key.slice(2))) findings.add(key, 'the page belongs to no tree');
  }
}

async function rebuild(store: KeyValueReader, replayed: ReplayedState | null, findings: Findings) {
  const state = new ReplayedState();
  let values = new Map<string, Uint8Array>();
  let root = new StateOverlay(state, values).root;
  const take = () => {
    const overlay = new StateOverlay(state, values);
    root = overlay.root;
    state.absorb(overlay);
    values = new Map();
  };
  for await (const [key, value] of store.entries({ from: 's/', to: 's0' })) {
    const name = key.slice(2);
    const expected = replayed?.get(name);
    if (replayed !== null && (expected === undefined || !same(expected, value))) {
      findings.add(key, expected === undefined ? 'the state has no such key' : 'the value is another');
    }
    values.set(name, value);
    if (values.size >= VALUES_AT_ONCE) take();
  }
  take();
  return { state, root };
}
