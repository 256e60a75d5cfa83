import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CanonicalError, type CanonicalValue, decodeCanonical, encodeCanonical } from '../src/index.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((s) => s.charCodeAt(0) !== 0xfeff);
const { value: anyValue } = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.bigInt({ min: -(1n << 256n), max: (1n << 256n) - 1n }),
    text,
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ) as fc.Arbitrary<CanonicalValue>,
}));

function decodeOrNull(bytes: Uint8Array): { value: CanonicalValue } | null {
  try {
    return { value: decodeCanonical(bytes) };
  } catch (error) {
    expect(error).toBeInstanceOf(CanonicalError);
    return null;
  }
}

it('round trip: one value, one byte string', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encodeCanonical(value);
      expect(Buffer.from(encodeCanonical(decodeCanonical(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

it('random and damaged bytes are refused, or are the canonical form of what they decode to', () => {
  const damaged = fc
    .tuple(anyValue, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(4))
    .map(([value, edits, cut]) => {
      const bytes = Uint8Array.from(encodeCanonical(value));
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      return bytes.subarray(0, Math.max(0, bytes.length - cut));
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const decoded = decodeOrNull(bytes);
      if (decoded !== null) expect(Buffer.from(encodeCanonical(decoded.value))).toEqual(Buffer.from(bytes));
    }),
    { numRuns: 1000 },
  );
});

/** Big integers have no text that cborg writes as we do. */
const { value: commonValue } = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(1n << 64n), max: (1n << 64n) - 1n }),
    text,
    fc.string({ minLength: 20, maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(text, tie('value'), { maxKeys: 30 }),
  ) as fc.Arbitrary<CanonicalValue>,
}));

it('cborg, an encoder and decoder of the same rules, writes and reads the same', () => {
  fc.assert(
    fc.property(commonValue, (value) => {
      const bytes = encodeCanonical(value);
      expect(Buffer.from(encode(value, rfc8949EncodeOptions))).toEqual(Buffer.from(bytes));
      expect(decodeCanonical(bytes)).toEqual(decode(bytes, { strict: true }));
      expect(decodeCanonical(Buffer.from(bytes))).toEqual(decodeCanonical(bytes));
    }),
    { numRuns: 300 },
  );
});
