import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHostSpec, type HostItem, parseHostSpec, RoutingError, resolveHostSpec } from '../src/index.ts';
import { model } from './network.ts';

const small = model({ layers: 3, experts: 4, slices: 2 });

describe('parsing', () => {
  test.each([
    'auto',
    'all',
    'none',
    'trunk',
    'embedding,head,trunk,layers:0-1',
    'experts:2.0-3',
    'experts:*.1-2',
  ])('%s is its own canonical text', (text) => expect(formatHostSpec(parseHostSpec(text, small.spec))).toBe(text));

  test('one layer, one expert and blanks are accepted', () => {
    expect(parseHostSpec(' layers:2 , experts:1.3 ')).toEqual({
      kind: 'list',
      items: [
        { part: 'layers', first: 2, last: 2 },
        { part: 'experts', layer: 1, first: 3, last: 3 },
      ],
    });
  });

  test.each([
    ['trunk,layer:1', 'layer:1'],
    ['trunk,,head', ''],
    ['', ''],
    ['all,trunk', 'all'],
    ['layers:2-1', 'layers:2-1'],
    ['experts:1', 'experts:1'],
    ['experts:*.*', 'experts:*.*'],
    ['layers:1e2', 'layers:1e2'],
    ['LAYERS:1', 'LAYERS:1'],
    ['layers:0-3', 'layers:0-3'],
    ['experts:3.0', 'experts:3.0'],
    ['experts:*.2-4', 'experts:*.2-4'],
  ])('%s is refused, naming %s', (text, part) => {
    const parse = () => parseHostSpec(text, small.spec);
    expect(parse).toThrow(RoutingError);
    expect(parse).toThrow(expect.objectContaining({ code: 'ERR_ROUTING_HOST_SPEC', meta: { part } }));
  });

  test('very long text is refused unread', () => {
    expect(() => parseHostSpec('trunk,'.repeat(100_000))).toThrow(
      expect.objectContaining({ code: 'ERR_ROUTING_HOST_SPEC' }),
    );
    expect(() => parseHostSpec('head,'.repeat(300))).toThrow(
      expect.objectContaining({ code: 'ERR_ROUTING_HOST_SPEC' }),
    );
  });

  test('every list of parts survives formatting and parsing', () => {
    const range = fc.tuple(fc.nat(999), fc.nat(999)).map(([first, more]) => ({ first, last: first + more }));
    const item: fc.Arbitrary<HostItem> = fc.oneof(
      fc.constantFrom('trunk', 'embedding', 'head').map((part) => ({ part }) as HostItem),
      range.map((ends) => ({ part: 'layers' as const, ...ends })),
      fc.tuple(fc.option(fc.nat(999)), range).map(([layer, ends]) => ({ part: 'experts' as const, layer, ...ends })),
    );
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), (items) => {
        expect(parseHostSpec(formatHostSpec({ kind: 'list', items }))).toEqual({ kind: 'list', items });
      }),
    );
  });
});

describe('resolving', () => {
  // embedding 0; per layer: trunk 1+9l, experts of two slices each from 2+9l; head 28
  const resolve = (text: string) => {
    const hostSpec = parseHostSpec(text, small.spec);
    return hostSpec.kind === 'auto' ? [] : resolveHostSpec(hostSpec, small);
  };

  test('each part names its blocks, slices together, in ascending order without doubles', () => {
    expect(resolve('none')).toEqual([]);
    expect(resolve('all')).toEqual(Array.from({ length: 29 }, (_, i) => i));
    expect(resolve('head,embedding,head')).toEqual([0, 28]);
    expect(resolve('trunk')).toEqual([1, 10, 19]);
    expect(resolve('layers:1')).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18]);
    expect(resolve('experts:0.1-2,trunk')).toEqual([1, 4, 5, 6, 7, 10, 19]);
    expect(resolve('experts:*.3')).toEqual([8, 9, 17, 18, 26, 27]);
  });

  test('a spec parsed for a larger model is refused', () => {
    const hostSpec = parseHostSpec('layers:5');
    expect(() => hostSpec.kind === 'list' && resolveHostSpec(hostSpec, small)).toThrow(
      expect.objectContaining({ code: 'ERR_ROUTING_HOST_SPEC', meta: { part: 'layers:5' } }),
    );
  });
});
