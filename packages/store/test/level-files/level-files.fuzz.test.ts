import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileDamageError } from '../../src/level-files/file-damage.ts';
import { checkLogFile } from '../../src/level-files/log-file.ts';
import { uncompressSnappy } from '../../src/level-files/snappy.ts';
import { checkTableFile } from '../../src/level-files/table-file.ts';

const onlyThrows = (run: () => void, kind: new (...args: never[]) => Error) => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(kind);
  }
};

describe('bytes of any kind', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });

  it('are a log or damaged', () => {
    fc.assert(fc.property(bytes, (any) => onlyThrows(() => checkLogFile(any), FileDamageError)));
  });

  it('are a table or damaged', () => {
    const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
    const ending = fc
      .tuple(bytes, fc.boolean())
      .map(([any, whole]) => Uint8Array.from([...any, ...(whole ? magic : [])]));
    fc.assert(fc.property(ending, (any) => onlyThrows(() => checkTableFile(any), FileDamageError)));
  });

  it('are compressed or refused, and never become more than is allowed', () => {
    fc.assert(
      fc.property(bytes, (any) => {
        onlyThrows(() => expect(uncompressSnappy(any, 1_000).length).toBeLessThanOrEqual(1_000), RangeError);
      }),
    );
  });

  it('literals and copies are put together', () => {
    // "abc", then a copy of 3 back for 9 bytes, then one of 1 back for 4 with a long offset.
    const packed = Uint8Array.of(16, 2 << 2, 97, 98, 99, ((9 - 4) << 2) | 1, 3, (3 << 2) | 2, 1, 0);
    expect(Buffer.from(uncompressSnappy(packed, 100)).toString()).toBe('abcabcabcabccccc');
  });
});
