import { toHex } from '@blyan/crypto';
import { describe, expect, it } from 'vitest';
import {
  decodeStateProof,
  encodeStateProof,
  nobleSuite,
  type StateProof,
  statePath,
  verifyStateProof,
  ZERO_HASH,
} from '../src/index.ts';
import { DefinitionTree } from './definition-tree.ts';
import { hashOf } from './support.ts';

const REFUSED = expect.objectContaining({ code: 'ERR_STATE_PROOF', kind: 'peer' });

describe('state proofs', () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const tree = new DefinitionTree(keys.map((key, i) => [key, Uint8Array.of(i)]));
  const { root } = tree;

  it('show what is there, and that nothing else is', () => {
    let [empty, taken] = [0, 0];
    for (const key of [...keys, ...Array.from({ length: 40 }, (_, i) => `absent-${i}`)]) {
      const proof = tree.prove(key);
      if (proof.value === null) proof.other === null ? empty++ : taken++;
      expect(decodeStateProof(encodeStateProof(proof))).toEqual(proof);
      verifyStateProof(root, proof, nobleSuite);
      const leaf = { path: hashOf(1), valueHash: hashOf(2) };
      const own = {
        path: toHex(statePath(key, nobleSuite)),
        valueHash: toHex(nobleSuite.sha256(proof.value ?? new Uint8Array())),
      };
      const wrong: StateProof[] = [
        { ...proof, value: Uint8Array.of(99) },
        { ...proof, value: null, other: null, siblings: [] },
        { ...proof, siblings: [...proof.siblings, hashOf(1)] },
        { ...proof, siblings: proof.siblings.slice(1) },
        { ...proof, siblings: Array(257).fill(hashOf(1)) },
        { ...proof, value: Uint8Array.of(1), other: leaf },
        { ...proof, value: null, other: leaf },
        { ...proof, value: null, other: own },
      ];
      // Of an absent key it may hold for another absent one beside it.
      if (proof.value !== null) wrong.push({ ...proof, key: `${key}!` });
      for (const bad of wrong) expect(() => verifyStateProof(root, bad, nobleSuite)).toThrowError(REFUSED);
      expect(() => verifyStateProof(hashOf(1), proof, nobleSuite)).toThrowError(REFUSED);
    }
    expect(empty).toBeGreaterThan(0);
    expect(taken).toBeGreaterThan(0);
  });

  it('of an empty state show that nothing is there', () => {
    verifyStateProof(ZERO_HASH, { key: 'a', value: null, siblings: [], other: null }, nobleSuite);
  });

  it('are bounded', () => {
    const proof = tree.prove('a');
    for (const other of [{ key: 'k'.repeat(513) }, { value: new Uint8Array(1024 * 1024 + 1) }]) {
      expect(() => decodeStateProof(encodeStateProof({ ...proof, ...other }))).toThrowError(REFUSED);
    }
  });
});
