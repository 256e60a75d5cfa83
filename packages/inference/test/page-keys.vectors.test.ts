import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { pageKeys } from '../src/index.ts';

const tokens = Array.from({ length: 100 }, (_, i) => i * 1_000);

test('keys of full pages, each over everything before it', () => {
  expect(pageKeys(tokens)).toEqual([
    'a86271438cd41e021bde3055871436bd',
    '091400dd76afeeddd3fc9081fb25870a',
    '66fd16c153447bc116eb93d70091413b',
  ]);
  expect(pageKeys(Uint32Array.from(tokens.slice(0, 95)))).toEqual(pageKeys(tokens).slice(0, 2));
  expect(pageKeys(tokens.slice(0, 31))).toEqual([]);
});

test('as the formula says', () => {
  const page = (from: number) => Buffer.from(Uint32Array.from(tokens.slice(from, from + 32)).buffer);
  const first = createHash('sha256').update(Buffer.alloc(32)).update(page(0)).digest();
  const second = createHash('sha256').update(first).update(page(32)).digest();
  expect(pageKeys(tokens).slice(0, 2)).toEqual([first, second].map((digest) => digest.toString('hex').slice(0, 32)));
});

test('a token that differs changes the key of its page and of those behind it', () => {
  const [before, changed, after] = pageKeys(tokens.with(40, 1));
  const keys = pageKeys(tokens);
  expect(before).toBe(keys[0]);
  expect(changed).not.toBe(keys[1]);
  expect(after).not.toBe(keys[2]);
});
