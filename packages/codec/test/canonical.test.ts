import { describe, expect, it } from 'vitest';
import { type CanonicalValue, decodeCanonical, encodeCanonical } from '../src/index.ts';

const hex = (value: CanonicalValue) => Buffer.from(encodeCanonical(value)).toString('hex');
const from = (text: string) => decodeCanonical(Buffer.from(text.replaceAll(' ', ''), 'hex'));

describe('canonical CBOR', () => {
  it.each([
    // From RFC 8949 appendix A.
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [1000, '1903e8'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [18446744073709551615n, '1bffffffffffffffff'],
    [18446744073709551616n, 'c249010000000000000000'],
    [-18446744073709551616n, '3bffffffffffffffff'],
    [-18446744073709551617n, 'c349010000000000000000'],
    [-1000, '3903e7'],
    [false, 'f4'],
    [null, 'f6'],
    [Uint8Array.of(1, 2, 3, 4), '4401020304'],
    ['ü', '62c3bc'],
    [[1, [2, 3]], '8201820203'],
    [{ b: [2, 3], a: 1 }, 'a26161016162820203'],
  ] as [CanonicalValue, string][])('%s is %s', (value, text) => {
    expect(hex(value)).toBe(text);
    expect(from(text)).toEqual(value);
  });

  it('sorts keys by their encoding, shorter first', () => {
    expect(hex({ b: 1, aa: 2, a: 3 })).toBe('a3616103616201626161' + '02');
  });

  it('keeps a key named __proto__ a key', () => {
    const value = from('a1 69 5f5f70726f746f5f5f a1 6161 01') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
  });

  it.each([
    ['', 'nothing'],
    ['1801', 'an integer longer than needed'],
    ['1900ff', 'an integer longer than needed'],
    ['1b0000000000000001', 'an integer longer than needed'],
    ['5801ff', 'a length longer than needed'],
    ['f93c00', 'a half float'],
    ['fb3ff0000000000000', 'a double'],
    ['f7', 'undefined'],
    ['f0', 'a simple value'],
    ['f8ff', 'a simple value'],
    ['5f4101ff', 'indefinite bytes'],
    ['9f01ff', 'an indefinite array'],
    ['bf616101ff', 'an indefinite map'],
    ['ff', 'a break'],
    ['1c', 'a reserved head'],
    ['c001', 'a tag'],
    ['c24101', 'a big integer that fits in 64 bits'],
    ['c24900ffffffffffffffff', 'a big integer with a leading zero'],
    [`c25821${'ff'.repeat(33)}`, 'a big integer above 256 bits'],
    ['a10101', 'a key that is not text'],
    ['a2616201616101', 'keys out of order'],
    ['a2616101616102', 'a key twice'],
    ['a16161', 'a map without its value'],
    ['8201', 'an array without its end'],
    ['0000', 'bytes after the end'],
    ['61ff', 'text that is not UTF-8'],
    ['63efbbbf', 'a byte order mark'],
    ['9bffffffffffffffff', 'an array of 2^64 items'],
    ['5bffffffffffffffff', 'bytes of 2^64'],
    ['bb7fffffffffffffff', 'a map of 2^63 entries'],
    ['7a7fffffff61', 'text of 2 GiB'],
    ['81'.repeat(65), 'nesting without end'],
    [`${'81'.repeat(65)}00`, 'deep nesting'],
  ])('refuses %s: %s', (text) => {
    expect(() => from(text)).toThrowError(expect.objectContaining({ code: 'ERR_CODEC_CANONICAL_BYTES', kind: 'peer' }));
  });

  it('refuses more than the allowed bytes unread', () => {
    expect(() => decodeCanonical(new Uint8Array(11), { maxBytes: 10 })).toThrowError(
      expect.objectContaining({ code: 'ERR_CODEC_CANONICAL_SIZE' }),
    );
  });

  it('encodes 64 levels and not one more', () => {
    let value: CanonicalValue = 1;
    for (let i = 0; i < 64; i++) value = [value];
    expect(decodeCanonical(encodeCanonical(value))).toEqual(value);
    expect(() => encodeCanonical([value])).toThrow(/nested/);
  });

  it.each([
    [{ a: 1.5 }, '.a'],
    [{ a: [0, undefined] }, '.a[1]'],
    [Number.NaN, ''],
    [-0, ''],
    [2 ** 53, ''],
    [1n << 256n, ''],
    ['\ud800', ''],
    [new Map(), ''],
    [new Date(0), ''],
    [() => 1, ''],
    [Symbol('x'), ''],
  ])('has no form for %s', (value, path) => {
    expect(() => encodeCanonical(value as CanonicalValue)).toThrowError(
      expect.objectContaining({ code: 'ERR_CODEC_CANONICAL_VALUE', meta: { path } }),
    );
  });
});
