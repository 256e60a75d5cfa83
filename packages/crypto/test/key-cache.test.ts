import { expect, it } from 'vitest';
import { generateKeyPair } from '../src/index.ts';
import { KeyCache } from '../src/key-cache.ts';

const keyOf = (cache: KeyCache, publicKey: Uint8Array) => cache.keyOf(publicKey);

it('keeps the keys used last, and no more than its bound', () => {
  const cache = new KeyCache(2);
  const [a, b, c] = [generateKeyPair(), generateKeyPair(), generateKeyPair()].map(({ publicKey }) => publicKey) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const [first, second] = [keyOf(cache, a), keyOf(cache, b)];
  expect(keyOf(cache, a)).toBe(first);
  keyOf(cache, c);
  expect(cache.size).toBe(2);
  expect(keyOf(cache, a)).toBe(first);
  expect(keyOf(cache, b)).not.toBe(second);
  for (let i = 0; i < 20; i++) keyOf(cache, generateKeyPair().publicKey);
  expect(cache.size).toBe(2);
});
