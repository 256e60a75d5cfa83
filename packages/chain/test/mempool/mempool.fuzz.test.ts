import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Author, PoolBench } from './pool.ts';

const MAX_RECORDS = 12;
const authors = [new Author(), new Author(), new Author()];

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ author: fc.nat(2), nonce: fc.nat(8), fee: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ author: fc.nat(2), moves: fc.nat(3), balance: fc.nat(200) }) },
);

test('whatever comes, the bounds hold and every candidate is the next of its author and can be paid', () => {
  const made = new Map<string, Uint8Array>();
  const record = (author: number, nonce: number, fee: number): Uint8Array => {
    const name = `${author} ${nonce} ${fee}`;
    const bytes = made.get(name) ?? (authors[author] as Author).record(nonce, { fee: BigInt(fee) });
    made.set(name, bytes);
    return bytes;
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bench = new PoolBench({ maxRecords: MAX_RECORDS, maxPerAuthor: 6, maxGap: 3 });
      for (const one of steps) {
        const { address } = authors[one.author] as Author;
        if ('fee' in one) bench.offer(record(one.author, one.nonce, one.fee));
        else {
          const nonce = (bench.accounts.get(address)?.nonce ?? 0) + one.moves;
          bench.accounts.set(address, { balance: BigInt(one.balance), nonce });
          bench.pool.headMoved([address]);
        }
        expect(bench.pool.size).toBeLessThanOrEqual(MAX_RECORDS);
        expect(bench.pool.hashes(100)).toHaveLength(bench.pool.size);
        const candidates = bench.candidates();
        expect(candidates.length > 0).toBe(bench.pool.hasReady);
        for (const { address } of authors) {
          const start = bench.accounts.get(address)?.nonce ?? 0;
          const nonces = candidates.filter(([author]) => author === address).map(([, nonce]) => nonce);
          expect(nonces).toEqual(nonces.map((_, i) => start + i));
          if (nonces.length > 0) expect(bench.pool.nextNonce(address)).toBe(start + nonces.length);
        }
      }
    }),
    { numRuns: 40 },
  );
});
