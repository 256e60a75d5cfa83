import { encodeCanonical } from '@blyan/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChainError, decodeGenesis, encodeGenesis, privateGenesis } from '../src/index.ts';

const { bytes, genesis } = privateGenesis({ name: 'fuzz', salt: new Uint8Array(16), modelRoot: 'ab'.repeat(32) });

function decodeOrRefuse(input: Uint8Array) {
  try {
    expect(Buffer.compare(encodeGenesis(decodeGenesis(input)).bytes, input)).toBe(0);
  } catch (error) {
    expect(error).toBeInstanceOf(ChainError);
  }
}

test('private genesis of any options survives its bytes', () => {
  const options = fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$/),
    salt: fc.uint8Array({ minLength: 16, maxLength: 64 }),
    modelRoot: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/), { nil: undefined }),
  });
  fc.assert(
    fc.property(options, (of) => {
      const built = privateGenesis(of);
      expect(decodeGenesis(built.bytes)).toEqual(built.genesis);
    }),
  );
});

test('changed, cut and arbitrary bytes are refused with our error, or are another genesis in its canonical form', () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      decodeOrRefuse(changed);
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.nat(bytes.length - 1), (end) => decodeOrRefuse(bytes.subarray(0, end))));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), decodeOrRefuse));
});

test('any value in any field is refused with our error or kept as it is', () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme-ascii' }),
    fc.uint8Array(),
    fc.constant([]),
    fc.constant({}),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(genesis)), value, (field, any) => {
      decodeOrRefuse(encodeCanonical({ ...genesis, [field]: any } as never));
    }),
  );
});
