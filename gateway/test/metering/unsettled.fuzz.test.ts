import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Settlement } from '../../src/metering/settlement.ts';
import { decodeUnsettled, encodeUnsettled, MAX_UNSETTLED } from '../../src/metering/unsettled.ts';

const count = fc.nat();
const units = fc.bigInt({ min: 0n, max: 10n ** 38n });
const name = fc.string({ maxLength: 128 });
const tokens = fc.record({ prompt: count, cached: count, completion: count });
const most = fc.option(units);
const settlement: fc.Arbitrary<Settlement> = fc.record({
  ...{ reference: name, reservation: name, account: name, model: fc.string({ unit: 'binary' }), root: name },
  price: fc.record({ prompt: units, cachedPrompt: units, completion: units }),
  ...{ most, tokens: fc.option(tokens) },
  before: fc
    .tuple(tokens, fc.record({ amount: units, most, times: count }))
    .map(([counted, rest]) => ({ ...counted, ...rest })),
});

test('what is kept is read as it was', () => {
  fc.assert(
    fc.property(fc.array(settlement, { maxLength: 5 }), (settlements) => {
      expect(decodeUnsettled(encodeUnsettled(settlements))).toEqual({ settlements, unread: 0 });
    }),
    { numRuns: 50 },
  );
});

test('what was not written so is left out and counted, and no more than the most is taken', () => {
  fc.assert(
    fc.property(settlement, fc.string({ unit: 'binary' }), fc.json(), (one, text, json) => {
      const line = encodeUnsettled([one]);
      const noise = [text.replaceAll('\n', ''), json].filter((part) => part !== '');
      const found = decodeUnsettled(`${noise.map((part) => `${part}\n`).join('')}${line}`);
      expect(found).toEqual({ settlements: [one], unread: noise.length });
      expect(decodeUnsettled(line.slice(0, -2))).toEqual({ settlements: [], unread: 1 });
    }),
    { numRuns: 50 },
  );
  const lines = '{}\n'.repeat(MAX_UNSETTLED + 3);
  expect(decodeUnsettled(lines)).toEqual({ settlements: [], unread: MAX_UNSETTLED + 3 });
});
