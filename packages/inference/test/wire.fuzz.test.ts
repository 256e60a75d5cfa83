import { MAX_SEQUENCE_TOKENS, MAX_STEP_ROWS } from '@blyan/params';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InferenceError } from '../src/errors.ts';
import {
  decodeExperts,
  decodeOutput,
  decodeStep,
  encodeExperts,
  encodeOutput,
  encodeStep,
  RESULT,
} from '../src/wire.ts';

const hex = (digits: number) =>
  fc.uint8Array({ minLength: digits / 2, maxLength: digits / 2 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const rows = fc.float32Array({ maxLength: 40 }).map((values) => Float32Array.from(values));
const step = fc.record({
  requestId: hex(32),
  layer: fc.oneof(fc.nat(1023), fc.constant(RESULT)),
  epoch: fc.nat(0xffffffff),
  position: fc.nat(MAX_SEQUENCE_TOKENS),
  wanted: fc.nat(MAX_STEP_ROWS),
  rows,
});
const group = fc.record({
  expert: fc.nat(0xffff),
  rows: fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 6 }),
});
const experts = fc.record({
  modelRoot: hex(64),
  layer: fc.nat(0xffff),
  groups: fc.array(group, { maxLength: 5 }),
  rows,
});
const output = fc.record({ ms: fc.nat(1e6), rows });

const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
/** At an odd offset of a larger buffer, as frames arrive. */
const shifted = (bytes: Uint8Array) => {
  const around = new Uint8Array(bytes.length + 3).fill(0xff);
  around.set(bytes, 1);
  return around.subarray(1, bytes.length + 1);
};
const bitsOf = (frame: { rows: Float32Array }) => ({
  ...frame,
  rows: Buffer.from(frame.rows.buffer, frame.rows.byteOffset, frame.rows.byteLength),
});

/** The frame, or null when it was refused in the one way that is allowed. */
function attempt<T>(decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T | null {
  try {
    return decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(InferenceError);
    expect(error).toMatchObject({ code: 'ERR_INFERENCE_FRAME', kind: 'peer' });
    return null;
  }
}

describe.each([
  ['step', step, encodeStep, decodeStep],
  ['experts', experts, encodeExperts, decodeExperts],
  ['output', output, encodeOutput, decodeOutput],
] as const)('%s frames', (_name, frames, encode, decode) => {
  const encoded = (frames as fc.Arbitrary<never>).map((frame) => joined(encode(frame)));
  const roundTrip = (bytes: Uint8Array) => joined(encode(decode(bytes) as never));

  test('come back to the bit, wherever they lie in memory', () => {
    fc.assert(
      fc.property(frames as fc.Arbitrary<never>, (frame) => {
        const bytes = joined(encode(frame));
        for (const place of [bytes, shifted(bytes), Buffer.from(bytes)]) {
          expect(bitsOf(decode(place))).toEqual(bitsOf(frame));
        }
      }),
    );
  });

  test('that are damaged, cut or made up are refused, or say exactly what their bytes say', () => {
    const damaged = fc
      .tuple(encoded, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(12))
      .map(([bytes, edits, cut]) => {
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
        return bytes.subarray(0, Math.max(0, bytes.length - cut));
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 120 })), (bytes) => {
        if (attempt<unknown>(decode, bytes) === null) return;
        // Flags are read as one bit, so the second trip is the fixed point.
        const once = roundTrip(bytes);
        expect(roundTrip(once)).toEqual(once);
        expect(once.length).toBe(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });
});

test('an expert call that promises more than it brings is refused before anything is set aside for it', () => {
  const head = (words: readonly number[]) => {
    const all = new Uint32Array([words.length + 9, ...new Array(8).fill(0), ...words]);
    return new Uint8Array(all.buffer);
  };
  const magic = 0x31505845;
  for (const words of [
    [magic, 0, 0xffff],
    [magic, 0, 1, 0, 0xffffffff],
    [magic, 0, 1, 0, 16_384],
    [magic, 0, 1, 0, 0],
    [magic, 0x10000, 0],
    [0, 0, 0],
  ]) {
    expect(attempt(decodeExperts, head(words)), words.join()).toBeNull();
  }
  const long = head([magic, 0, 0]);
  new DataView(long.buffer).setUint32(0, 0xffffffff, true);
  expect(attempt(decodeExperts, long)).toBeNull();
});
