import { decodeRecord, encodeRecord } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import { describe, expect, test } from 'vitest';
import { Author, PoolBench } from './pool.ts';

const hashOf = (bytes: Uint8Array): string => decodeRecord(bytes, nodeSuite).hash;

describe('what a pool takes', () => {
  test('records in any order within the window, and gives them by nonce', () => {
    const bench = new PoolBench();
    const author = new Author();
    for (const nonce of [2, 0, 1]) expect(bench.offer(author.record(nonce))).toBe('accept');
    expect(bench.pool.nextNonce(author.address)).toBe(3);
    expect(bench.candidates().map(([, nonce]) => nonce)).toEqual([0, 1, 2]);
  });

  test('the dearest first, an author in the order of its nonces, equal fees as they came', () => {
    const bench = new PoolBench();
    const [a, b, c] = [new Author(), new Author(), new Author()];
    bench.offer(a.record(0, { fee: 1n }));
    bench.offer(a.record(1, { fee: 100n }));
    bench.offer(b.record(0, { fee: 50n }));
    bench.offer(c.record(0, { fee: 1n }));
    expect(bench.candidates()).toEqual([
      [b.address, 0],
      [a.address, 0],
      [a.address, 1],
      [c.address, 0],
    ]);
  });

  test('nothing more of an author whose record could not be applied', () => {
    const bench = new PoolBench();
    const author = new Author();
    bench.offer(author.record(0));
    bench.offer(author.record(1));
    expect([...bench.pool.candidates(() => 0)].map(({ record }) => record.nonce)).toEqual([0]);
  });

  test('a signature is looked at once, after everything that is cheaper', () => {
    const bench = new PoolBench({ maxGap: 64 });
    const author = new Author();
    const record = author.record(0);
    bench.offer(record);
    bench.offer(record);
    bench.offer(author.record(500));
    expect(bench.verified).toBe(1);
  });
});

describe('each bad record has a code', () => {
  const author = new Author();

  test('not canonical, cut, or oversized: rejected', () => {
    const bench = new PoolBench();
    const bytes = author.record(0);
    expect(bench.offer(Uint8Array.of(...bytes, 0))).toBe('reject ERR_RECORD_BYTES');
    expect(bench.offer(bytes.subarray(0, 40))).toBe('reject ERR_RECORD_BYTES');
    expect(bench.offer(new Uint8Array(4 * 1024 * 1024 + 1))).toBe('reject ERR_RECORD_BYTES');
  });

  test('replayed from another network, or signed by nobody: rejected', () => {
    const bench = new PoolBench();
    expect(bench.offer(author.record(0, { network: 'cd'.repeat(32) }))).toBe('reject ERR_RECORD_NETWORK');
    const { signature } = author.sign(0, { fee: 5n });
    expect(bench.offer(encodeRecord({ ...author.sign(0), signature }))).toBe('reject ERR_RECORD_SIGNATURE');
    expect(bench.pool.size).toBe(0);
  });

  test('duplicate, stale, future and under-funded: ignored', () => {
    const bench = new PoolBench({ maxGap: 64 });
    bench.accounts.set(author.address, { balance: 10n, nonce: 3 });
    expect(bench.offer(author.record(3))).toBe('accept');
    expect(bench.offer(author.record(3))).toBe('ignore ERR_MEMPOOL_KNOWN');
    expect(bench.offer(author.record(2))).toBe('ignore ERR_MEMPOOL_STALE');
    expect(bench.offer(author.record(4 + 65))).toBe('ignore ERR_MEMPOOL_FUTURE');
    expect(bench.offer(author.record(4, { fee: 9n }))).toBe('ignore ERR_MEMPOOL_FUNDS');
    expect(bench.offer(author.record(4, { fee: 8n }))).toBe('accept');
  });

  test('conflicting: ignored, unless it pays ten percent more', () => {
    const bench = new PoolBench();
    bench.offer(author.record(0, { fee: 100n }));
    expect(bench.offer(author.record(0, { fee: 109n }))).toBe('ignore ERR_MEMPOOL_CONFLICT');
    expect(bench.offer(author.record(0, { fee: 110n }))).toBe('accept');
    expect(bench.pool.size).toBe(1);
    expect([...bench.pool.candidates(() => 0)].map(({ record }) => record.fee)).toEqual([110n]);
    const free = new Author();
    bench.offer(free.record(0));
    expect(bench.offer(free.record(0, { body: { amount: 2 } }))).toBe('ignore ERR_MEMPOOL_CONFLICT');
    expect(bench.offer(free.record(0, { fee: 1n }))).toBe('accept');
  });

  test('what the state refuses: rejected for good, or ignored for now, with its code', () => {
    const bench = new PoolBench();
    const [never, later] = [author.record(0), author.record(1)];
    bench.refused
      .set(hashOf(never), { code: 'ERR_X', final: true })
      .set(hashOf(later), { code: 'ERR_Y', final: false });
    expect(bench.offer(never)).toBe('reject ERR_X');
    expect(bench.offer(later)).toBe('ignore ERR_Y');
  });
});

describe('a pool is bounded', () => {
  test('in records of one author', () => {
    const bench = new PoolBench({ maxPerAuthor: 3 });
    const author = new Author();
    for (const nonce of [0, 1, 2]) bench.offer(author.record(nonce));
    expect(bench.offer(author.record(3))).toBe('ignore ERR_MEMPOOL_AUTHOR');
    expect(bench.offer(author.record(2, { fee: 1n }))).toBe('accept');
  });

  test('in records: the cheapest leaves, with what follows it, for one that pays more', () => {
    const bench = new PoolBench({ maxRecords: 4 });
    const [poor, rich, late] = [new Author(), new Author(), new Author()];
    bench.offer(rich.record(0, { fee: 10n }));
    bench.offer(poor.record(0, { fee: 1n }));
    bench.offer(poor.record(1, { fee: 20n }));
    bench.offer(poor.record(2, { fee: 20n }));
    expect(bench.offer(late.record(0, { fee: 1n }))).toBe('ignore ERR_MEMPOOL_FULL');
    expect(bench.offer(poor.record(3, { fee: 9n }))).toBe('ignore ERR_MEMPOOL_FULL');
    // A little more than the cheapest does not drive out what is dear and waits behind it.
    expect(bench.offer(late.record(0, { fee: 9n }))).toBe('ignore ERR_MEMPOOL_FULL');
    expect(bench.offer(late.record(0, { fee: 42n }))).toBe('accept');
    expect(bench.candidates()).toEqual([
      [late.address, 0],
      [rich.address, 0],
    ]);
    expect(bench.pool.nextNonce(poor.address)).toBe(0);
  });

  test("in records: of others the cheapest leaves where an author's own is cheaper still", () => {
    const bench = new PoolBench({ maxRecords: 3 });
    const [own, other] = [new Author(), new Author()];
    bench.offer(own.record(0, { fee: 1n }));
    bench.offer(other.record(0, { fee: 2n }));
    bench.offer(other.record(1, { fee: 3n }));
    expect(bench.offer(own.record(1, { fee: 4n }))).toBe('accept');
    expect(bench.candidates()).toEqual([
      [other.address, 0],
      [own.address, 0],
      [own.address, 1],
    ]);
  });

  test('in bytes', () => {
    const author = new Author();
    const sizeBytes = author.record(0).byteLength;
    const bench = new PoolBench({ maxBytes: 2 * sizeBytes + 10 });
    bench.offer(author.record(0, { fee: 5n }));
    bench.offer(author.record(1, { fee: 5n }));
    const other = new Author();
    expect(bench.offer(other.record(0, { fee: 5n }))).toBe('ignore ERR_MEMPOOL_FULL');
    expect(bench.offer(other.record(0, { fee: 6n }))).toBe('accept');
    expect(bench.pool.sizeBytes).toBeLessThanOrEqual(2 * sizeBytes + 10);
    expect(bench.candidates().map(([address]) => address)).toEqual([other.address, author.address]);
  });

  test('in time', () => {
    const bench = new PoolBench({ lifeMs: 100 });
    const author = new Author();
    bench.offer(author.record(0));
    bench.nowMs += 60;
    bench.offer(author.record(1));
    bench.nowMs += 60;
    bench.pool.expire();
    expect([bench.pool.size, bench.pool.hasReady]).toEqual([1, false]);
  });
});

describe('when the head moves', () => {
  test('what is final leaves, what was used by another leaves, what follows is ready', () => {
    const bench = new PoolBench();
    const author = new Author();
    for (const nonce of [0, 1, 2, 4]) bench.offer(author.record(nonce));
    bench.accounts.set(author.address, { balance: 100n, nonce: 2 });
    bench.pool.headMoved([author.address]);
    expect(bench.candidates().map(([, nonce]) => nonce)).toEqual([2]);
    expect([bench.pool.size, bench.pool.hasReady, bench.pool.nextNonce(author.address)]).toEqual([2, true, 3]);
    bench.accounts.set(author.address, { balance: 100n, nonce: 1_000_000 });
    bench.pool.headMoved();
    expect([bench.pool.size, bench.pool.hasReady, bench.pool.sizeBytes]).toEqual([0, false, 0]);
  });

  test('the last of an author leave until what is left can be paid', () => {
    const bench = new PoolBench();
    const author = new Author();
    for (const nonce of [0, 1, 2]) bench.offer(author.record(nonce, { fee: 9n }));
    bench.accounts.set(author.address, { balance: 21n, nonce: 0 });
    bench.pool.headMoved([author.address]);
    expect(bench.candidates().map(([, nonce]) => nonce)).toEqual([0, 1]);
  });

  test('a parked record is no candidate until then, and leaves if it can never be applied', () => {
    const bench = new PoolBench();
    const author = new Author();
    const record = author.record(0);
    bench.offer(record);
    bench.pool.park(hashOf(record), 'ERR_X');
    expect([bench.pool.hasReady, bench.candidates()]).toEqual([false, []]);
    bench.refused.set(hashOf(record), { code: 'ERR_X', final: false });
    bench.pool.headMoved([]);
    expect(bench.pool.hasReady).toBe(false);
    bench.refused.clear();
    bench.pool.headMoved([]);
    expect(bench.candidates()).toHaveLength(1);
    bench.pool.park(hashOf(record), 'ERR_X');
    bench.refused.set(hashOf(record), { code: 'ERR_X', final: true });
    bench.pool.headMoved([]);
    expect(bench.pool.size).toBe(0);
  });
});
