import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StopStrings } from '../src/stop-strings.ts';

/** Few letters, so that stop strings overlap themselves and one another. */
const word = (maxLength: number) => fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength });

/** The first position at which some stop string is complete, found by looking at every beginning of the text. */
function expected(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  for (let end = 1; end <= text.length; end++) {
    const found = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => end - stop.length);
    if (found.length > 0) return { text: text.slice(0, Math.min(...found)), stopped: true };
  }
  return { text, stopped: false };
}

test('one character at a time, the text ends before the stop string that is complete first', () => {
  const stops = fc.array(
    word(4).filter((stop) => stop !== ''),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(word(30), stops, (text, given) => {
      const matcher = new StopStrings(given);
      let shown = '';
      let stopped = false;
      for (const character of text) {
        const piece = matcher.push(character);
        shown += piece.text;
        stopped = piece.found !== null;
        if (stopped) break;
      }
      if (!stopped) shown += matcher.flush();
      expect({ text: shown, stopped }).toEqual(expected(text, given));
    }),
    { numRuns: 2000 },
  );
});

test('in any pieces, nothing shown contains a stop string and nothing else is lost', () => {
  const stops = fc.array(
    word(4).filter((stop) => stop !== ''),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(fc.array(word(6), { maxLength: 12 }), stops, (pieces, given) => {
      const matcher = new StopStrings(given);
      let shown = '';
      let stopped = false;
      for (const piece of pieces) {
        const result = matcher.push(piece);
        shown += result.text;
        stopped = result.found !== null;
        if (stopped) break;
      }
      if (!stopped) shown += matcher.flush();
      expect(pieces.join('').startsWith(shown)).toBe(true);
      expect(given.some((stop) => shown.includes(stop))).toBe(false);
      expect(stopped).toBe(given.some((stop) => pieces.join('').includes(stop)));
    }),
    { numRuns: 2000 },
  );
});
