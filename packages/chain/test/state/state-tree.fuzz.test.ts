import { MemoryStore } from '@blyan/store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChainError } from '../../src/index.ts';
import { StateOverlay } from '../../src/state/state-overlay.ts';
import { EMPTY_STATE, proveState, type StateReader, stateRoot } from '../../src/state/state-reader.ts';
import { StoredState } from '../../src/state/stored-state.ts';
import { decodePage } from '../../src/state/tree-page.ts';
import { naiveCheck, naiveRoot } from './naive-tree.ts';

// Few keys, so that they are overwritten and removed too; their paths share up to three hexadecimal digits.
const key = fc.integer({ min: 0, max: 300 }).map((i) => `key/${i}`);
const change = fc.tuple(key, fc.option(fc.uint8Array({ maxLength: 8 }), { freq: 2 }));
const batches = fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 8 });

test('any changes in any batches, over memory or a store, give the root of their outcome, and what is proven of it holds', () => {
  fc.assert(
    fc.property(batches, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), key, (program, commits, absent) => {
      const store = new MemoryStore();
      const stored = new StoredState(store);
      const model = new Map<string, Uint8Array>();
      let state: StateReader = stored;
      let open: StateOverlay[] = [];
      for (const [i, batch] of program.entries()) {
        const overlay = new StateOverlay(state, new Map(batch));
        open.push(overlay);
        state = overlay;
        for (const [name, value] of new Map(batch)) value === null ? model.delete(name) : model.set(name, value);
        if (!commits[i]) continue;
        for (const layer of open) {
          store.write([...layer.writes()], { sync: false });
          stored.absorb(layer);
        }
        open = [];
        // Half of the time from what is cached, else from what is on disk.
        state = i % 2 === 0 ? stored : new StoredState(store);
      }
      const root = naiveRoot(model);
      expect(stateRoot(state)).toBe(root);
      expect(new StateOverlay(EMPTY_STATE, model).root).toBe(root);
      for (const name of [absent, ...[...model.keys()].slice(0, 3)]) {
        const proof = proveState(state, name);
        expect(proof.value).toEqual(model.get(name) ?? null);
        expect(naiveCheck(root, proof)).toBe(true);
        expect(naiveCheck(root, { ...proof, value: Uint8Array.of(9, 9, 9), other: null })).toBe(false);
        if (proof.value !== null) expect(naiveCheck(root, { ...proof, value: null })).toBe(false);
        for (let i = 0; i < proof.siblings.length; i++) {
          const siblings = proof.siblings.with(i, 'ab'.repeat(32));
          expect(naiveCheck(root, { ...proof, siblings })).toBe(false);
          expect(naiveCheck(root, { ...proof, siblings: proof.siblings.toSpliced(i, 1) })).toBe(false);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a state emptied again is the empty one, and leaves nothing but its root page behind', async () => {
  const store = new MemoryStore();
  const keys = Array.from({ length: 200 }, (_, i) => `key/${i}`);
  const stored = new StoredState(store);
  const full = new StateOverlay(stored, new Map(keys.map((name) => [name, Uint8Array.of(1)])));
  const emptied = new StateOverlay(full, new Map(keys.map((name) => [name, null])));
  await store.write([...full.writes(), ...emptied.writes()], { sync: false });
  expect(emptied.root).toBe('0'.repeat(64));
  const left: string[] = [];
  for await (const [name] of store.entries({ from: ' ', to: '~' })) left.push(name);
  expect(left).toEqual(['t/']);
});

test('any bytes are a page of the tree or are refused by a code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodePage(bytes, 'ab');
      } catch (error) {
        expect(error).toBeInstanceOf(ChainError);
        expect((error as ChainError).code).toBe('ERR_CHAIN_STATE_DAMAGED');
      }
    }),
  );
});
