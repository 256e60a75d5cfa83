import { API_LIMITS } from '@blyan/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assertPlainShape } from '../../src/json-shape.ts';

const { jsonDepth, jsonContainers } = API_LIMITS;
const nested = (depth: number, inside: string) => '[{"a":'.repeat(depth / 2) + inside + '}]'.repeat(depth / 2);
const check = (text: string) => assertPlainShape(Buffer.from(text));

test('every JSON that is flat enough passes, brackets and quotes within its strings are none', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^["\\[\]{}]{0,20}$/));
  const json = fc.oneof(fc.jsonValue({ maxDepth: 5 }), fc.array(text), fc.dictionary(text, text));
  fc.assert(
    fc.property(json, fc.constantFrom(0, jsonDepth - 8), (value, depth) => {
      check(nested(depth, JSON.stringify(value)));
    }),
    { numRuns: 500 },
  );
});

test('one level and one list too many are refused, wherever they are', () => {
  const text = fc.stringMatching(/^["\\[\]{}a]{0,20}$/).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(text, (string) => {
      expect(() => check(`{${string}:${nested(jsonDepth, '1')}}`)).toThrow(/deeper/);
    }),
    { numRuns: 200 },
  );
  const wide = (count: number) => `[${'[],'.repeat(count - 2)}{}]`;
  check(wide(jsonContainers));
  expect(() => check(wide(jsonContainers + 1))).toThrow(/more than/);
});

test('bytes of any kind are passed to the parser or refused with our error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        assertPlainShape(Buffer.from(bytes));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_GATEWAY_REQUEST_INVALID', kind: 'caller' });
      }
    }),
    { numRuns: 300 },
  );
  check('"\\');
  check('"');
  check(`"${'\\'.repeat(1_000)}`);
});
