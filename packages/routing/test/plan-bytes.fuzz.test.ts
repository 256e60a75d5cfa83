import { encodeCanonical } from '@blyan/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePlan, type Plan, planBytes, RoutingError } from '../src/index.ts';
import { PROFILE, ROOT } from './network.ts';

const peer = fc.constantFrom('A', 'B', 'C', 'D');
const plans: fc.Arbitrary<Plan> = fc
  .record({ layers: fc.integer({ min: 1, max: 6 }), experts: fc.integer({ min: 1, max: 6 }), cut: fc.nat(5) })
  .chain(({ layers, experts, cut }) => {
    const holders = fc.uniqueArray(peer, { minLength: 1, maxLength: 4 });
    const middle = Math.min(cut, layers - 1);
    const ranges =
      middle === 0
        ? [[0, layers - 1]]
        : [
            [0, middle - 1],
            [middle, layers - 1],
          ];
    return fc.record({
      type: fc.constantFrom('local' as const, 'pipeline' as const, 'dynamic' as const, 'static_delegate' as const),
      modelRoot: fc.constant(ROOT),
      profile: fc.constant(PROFILE),
      mixedProfile: fc.boolean(),
      embedding: peer,
      head: peer,
      stages: fc.tuple(
        ...ranges.map(([firstLayer = 0, lastLayer = 0]) => peer.map((peerId) => ({ peerId, firstLayer, lastLayer }))),
      ),
      experts: fc.array(fc.array(holders, { minLength: experts, maxLength: experts }), {
        minLength: layers,
        maxLength: layers,
      }),
      fallbackOrder: fc.uniqueArray(peer),
    });
  });

test('plans survive their bytes', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      expect(decodePlan(planBytes(plan))).toEqual(plan);
    }),
  );
});

test('changed bytes are refused with our error, or are another plan in its canonical form', () => {
  fc.assert(
    fc.property(plans, fc.nat(), fc.integer({ min: 1, max: 255 }), (plan, at, flip) => {
      const bytes = planBytes(plan);
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
      decodeOrRefuse(bytes);
    }),
    { numRuns: 1_000 },
  );
});

test('arbitrary bytes and arbitrary canonical values are refused with our error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), decodeOrRefuse));
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.string(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('v', 'type', 'peers', 'stages', 'experts', 'fallback'), tie('value'), {
        noNullPrototype: true,
      }),
    ),
  })).value;
  fc.assert(fc.property(value, (any) => decodeOrRefuse(encodeCanonical(any as never))));
});

function decodeOrRefuse(bytes: Uint8Array) {
  try {
    expect(Buffer.compare(planBytes(decodePlan(bytes)), bytes)).toBe(0);
  } catch (error) {
    expect(error).toBeInstanceOf(RoutingError);
  }
}
