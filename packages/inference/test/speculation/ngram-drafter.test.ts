import { describe, expect, test } from 'vitest';
import { CONFIDENCE_CLASSES, NO_DRAFT } from '../../src/speculation/drafter.ts';
import { NgramDrafter } from '../../src/speculation/ngram-drafter.ts';

const drafter = (...tokens: number[]) => {
  const made = new NgramDrafter();
  made.observe(tokens);
  return made;
};

describe('NgramDrafter', () => {
  test('continues as the text went on the last time its end occurred', () => {
    expect(drafter(1, 2, 3, 4, 9, 1, 2).draft([], 3).tokens).toEqual([3, 4, 9]);
    expect(drafter(1, 2, 3, 9, 1, 2, 4, 9, 1, 2).draft([], 1).tokens).toEqual([4]);
  });

  test('the longest end counts before the most recent one', () => {
    const text = [7, 1, 2, 3, 8, 1, 2, 4, 7, 1, 2];
    expect(drafter(...text).draft([], 1).tokens).toEqual([3]);
    expect(drafter(...text, 4).draft([], 1).tokens).toEqual([7]);
  });

  test('has no idea of what it has not seen, of a text of one token, and of none', () => {
    expect(drafter(1, 2, 3, 4, 5).draft([], 4)).toBe(NO_DRAFT);
    expect(drafter(1).draft([], 4)).toBe(NO_DRAFT);
    expect(drafter().draft([], 4)).toBe(NO_DRAFT);
    expect(drafter(1, 1).draft([], 4)).toBe(NO_DRAFT);
  });

  test('goes round without end, through what it drafted', () => {
    expect(drafter(1, 2, 3, 1, 2, 3).draft([], 8).tokens).toEqual([1, 2, 3, 1, 2, 3, 1, 2]);
    expect(drafter(5, 5, 5).draft([], 5).tokens).toEqual([5, 5, 5, 5, 5]);
  });

  test('continues what is pending, and forgets it afterwards', () => {
    const made = drafter(1, 2, 3, 4, 5, 6, 9, 1);
    expect(made.draft([2, 3], 3).tokens).toEqual([4, 5, 6]);
    expect(made.draft([2, 3, 4, 5, 6, 9, 1, 2], 3).tokens).toEqual([3, 4, 5]);
    expect(made.draft([2, 8], 3)).toBe(NO_DRAFT);
    expect(made.draft([], 3)).toBe(NO_DRAFT);
  });

  test('a class is the length of the agreement, growing along the draft', () => {
    const text = Array.from({ length: 100 }, (_, index) => index);
    const made = drafter(...text, 900, 10, 11);
    expect(made.draft([], 7).classes).toEqual([0, 1, 2, 3, 4, 5, 6]);
    made.observe(text.slice(12));
    const { tokens, classes } = made.draft([], 16);
    expect(tokens[0]).toBe(900);
    expect(classes).toEqual(Array.from({ length: 16 }, () => CONFIDENCE_CLASSES - 1));
  });

  test('a text longer than its index is still drafted, in bounded memory', () => {
    const made = new NgramDrafter();
    const word = (index: number) => Math.imul(index, 0x9e3779b1) >>> 12;
    made.observe(Array.from({ length: 1_000_000 }, (_, index) => word(index)));
    // The oldest is forgotten at most; what came last is there.
    made.observe(Array.from({ length: 20 }, (_, index) => word(900_000 + index)));
    expect(made.draft([], 4).tokens).toEqual([20, 21, 22, 23].map((index) => word(900_000 + index)));
  });

  test('nothing makes it slow: one token a million times, and a period as long as the index', () => {
    for (const period of [1, 1 << 18]) {
      const made = new NgramDrafter();
      made.observe(Array.from({ length: 1_000_000 }, (_, index) => index % period));
      for (let count = 0; count < 1000; count++) made.draft([], 16);
      expect(made.draft([], 1).tokens).toEqual([1_000_000 % period]);
    }
  });
});
