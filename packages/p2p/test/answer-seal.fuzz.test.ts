import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerSeal } from '../src/answer-seal.ts';
import { journalKeySchema, journalPutSchema } from '../src/journal-peers.ts';

const seal = new AnswerSeal({ id: randomBytes(16).toString('hex'), bearer: 'key' });
const u32 = fc.nat({ max: 0xffffffff });
const part = fc.oneof(
  fc.record({ type: fc.constantFrom('description' as const, 'end' as const), text: fc.string({ unit: 'grapheme' }) }),
  fc.record({ type: fc.constant('tokens' as const), from: u32, tokens: fc.array(u32) }),
);

test('every part is read back', () => {
  fc.assert(
    fc.property(part, (one) => {
      expect(seal.open(seal.seal(one))).toEqual(one);
    }),
  );
});

test('a part with any bit changed, cut or lengthened is no part', () => {
  fc.assert(
    fc.property(part, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
      const bytes = seal.seal(one);
      expect(seal.open(bytes.subarray(0, at % bytes.length))).toBeNull();
      expect(seal.open(new Uint8Array([...bytes, flip]))).toBeNull();
      bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ flip;
      expect(seal.open(bytes)).toBeNull();
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(seal.open(bytes)).toBeNull();
    }),
  );
});

test('any list of parts is assembled without an error', () => {
  const sealed = part.map((one) => seal.seal(one));
  fc.assert(
    fc.property(fc.array(fc.oneof(sealed, fc.uint8Array())), (parts) => {
      const answer = seal.assemble(parts);
      expect(answer === null || Array.isArray(answer.tokens)).toBe(true);
    }),
  );
});

test('requests of any other form are refused', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(journalPutSchema.safeParse(value).success).toBe(false);
      expect(journalKeySchema.safeParse(value).success).toBe(false);
    }),
  );
  const locator = new Uint8Array(32);
  const good = { locator, index: 0, bytes: new Uint8Array(1) };
  const accepts = (parts: unknown) => journalPutSchema.safeParse({ parts }).success;
  expect(accepts([good])).toBe(true);
  expect(accepts([])).toBe(false);
  expect(accepts(Array(1025).fill(good))).toBe(false);
  for (const wrong of [{ locator: new Uint8Array(31) }, { index: -1 }, { index: 1.5 }, { bytes: new Uint8Array() }]) {
    expect(accepts([{ ...good, ...wrong }])).toBe(false);
  }
});
