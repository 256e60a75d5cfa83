import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readSse, SSE_PING, sseData } from '../src/index.ts';

async function* pieces(bytes: Uint8Array, cuts: readonly number[]) {
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < borders.length; i++) yield bytes.subarray(borders[i - 1], borders[i]);
}

const collect = async (source: AsyncIterable<string>) => {
  const all: string[] = [];
  for await (const one of source) all.push(one);
  return all;
};

test('what was written is read back, whatever the chunk borders and line ends', async () => {
  const payload = fc.jsonValue().map((value) => JSON.stringify(value));
  const cuts = fc.array(fc.nat(), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(payload, { maxLength: 8 }),
      cuts,
      fc.constantFrom('\n', '\r\n', '\r'),
      async (sent, at, end) => {
        const text = sent
          .map((one) => SSE_PING + sseData(one))
          .join('')
          .replaceAll('\n', end);
        const bytes = new TextEncoder().encode(text);
        expect(await collect(readSse(pieces(bytes, at)))).toEqual(sent);
      },
    ),
    { numRuns: 300 },
  );
});

test('any bytes are read to their end without an exception', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 5 }), async (bytes, at) => {
      await collect(readSse(pieces(bytes, at)));
    }),
    { numRuns: 500 },
  );
});

test('an event without end is refused instead of kept', async () => {
  async function* endless() {
    for (;;) yield new Uint8Array(1 << 20).fill(0x61);
  }
  await expect(collect(readSse(endless()))).rejects.toBeInstanceOf(RangeError);
});
