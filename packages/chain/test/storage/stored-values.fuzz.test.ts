import { decodeValidatorSet, encodeValidatorSet } from '@blyan/chain-format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as values from '../../src/storage/stored-values.ts';
import { certify, makeBlock, makeRecord, suite, validators } from './fixture.ts';

const block = makeBlock(makeBlock(null, []), [makeRecord(0)]);
const certificate = certify(block);

const codecs: Record<string, { sample: Uint8Array; again: (bytes: Uint8Array) => Uint8Array }> = {
  'stored block': {
    sample: values.encodeStoredBlock({ block, certificate }),
    again: (bytes) => values.encodeStoredBlock(values.decodeStoredBlock(bytes, suite)),
  },
  'end of an epoch': {
    sample: values.encodeEpochEnd({ header: block.header, certificate }),
    again: (bytes) => values.encodeEpochEnd(values.decodeEpochEnd(bytes)),
  },
  head: {
    sample: values.encodeHead({ height: 70_000, hash: block.hash }),
    again: (bytes) => values.encodeHead(values.decodeHead(bytes)),
  },
  place: {
    sample: values.encodePlace({ height: 70_000, index: 300 }),
    again: (bytes) => values.encodePlace(values.decodePlace(bytes)),
  },
  height: {
    sample: values.encodeHeight(70_000),
    again: (bytes) => values.encodeHeight(values.decodeHeight(bytes)),
  },
  'validator set': {
    sample: encodeValidatorSet(validators),
    again: (bytes) => encodeValidatorSet(decodeValidatorSet(bytes)),
  },
};

describe.each(Object.entries(codecs))('%s', (_, { sample, again }) => {
  it('is read as it was written', () => {
    expect(again(sample)).toEqual(sample);
  });

  it('any other bytes are refused, or are the encoding of what was read', () => {
    const mutated = fc
      .array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
      .map((changes) => {
        const bytes = new Uint8Array(sample);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        let read: Uint8Array;
        try {
          read = again(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        expect(read).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });
});
