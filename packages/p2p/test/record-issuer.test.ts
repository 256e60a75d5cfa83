import { RECORD_INTERVAL_MS, RECORD_TTL_MS } from '@blyan/params';
import type { NodeAdvertisement } from '@blyan/routing';
import { describe, expect, it } from 'vitest';
import { FIRST_GAP_MS, isNews, RecordIssuer, recordTtlMs } from '../src/record-issuer.ts';

const idle: NodeAdvertisement = {
  version: '0.1.0',
  tier: 0,
  profile: 'cpu',
  host: 'auto',
  models: [{ root: '1f'.repeat(32), blocks: new Uint8Array([1, 2]) }],
  measured: { stepUs: 100, trunkUs: 0, expertUs: 3, headUs: 4, prefillRowUs: 5, bandwidthMBps: 6, messageUs: 7 },
  active: 0,
  queued: 0,
  freeKvBytes: 100,
  gateway: false,
};
const hosting = (block: number): NodeAdvertisement => ({
  ...idle,
  models: [{ root: '1f'.repeat(32), blocks: new Uint8Array([1, block]) }],
});

describe('RecordIssuer', () => {
  const issuer = () => new RecordIssuer(() => 0);

  it('is due at once the first time, then at a quarter of the life', () => {
    const own = issuer();
    expect(own.dueInMs(0)).toBe(Number.POSITIVE_INFINITY);
    own.offer(idle);
    expect(own.dueInMs(0)).toBe(0);
    own.issued(RECORD_TTL_MS, 0);
    expect(own.dueInMs(1000)).toBe(RECORD_INTERVAL_MS - 1000);
    own.issued(200_000, RECORD_INTERVAL_MS);
    expect(own.dueInMs(RECORD_INTERVAL_MS)).toBe(50_000);
  });

  it('is due soon when it has news, and not for load', () => {
    const own = issuer();
    own.offer(idle);
    own.issued(RECORD_TTL_MS, 0);
    own.offer({ ...idle, active: 7, queued: 3, freeKvBytes: 0 });
    expect(own.dueInMs(1000)).toBe(4000);
    own.offer(hosting(3));
    expect(own.dueInMs(0)).toBe(FIRST_GAP_MS);
    expect(own.dueInMs(1000)).toBeLessThan(0);
    own.offer(idle);
    expect(own.dueInMs(1000)).toBe(4000);
  });

  it('issues less and less often while changes keep coming, and tells the last one no later than the burst took', () => {
    const own = issuer();
    const issuedAtMs: number[] = [];
    let block = 0;
    const run = (fromMs: number, toMs: number, changing: boolean) => {
      for (let now = fromMs; now < toMs; now += 50) {
        own.offer(hosting(changing ? ++block % 256 : block % 256));
        if (own.dueInMs(now) > 0) continue;
        own.issued(RECORD_TTL_MS, now);
        issuedAtMs.push(now);
      }
    };
    run(0, 3000, true);
    run(3000, 9000, false);
    expect(issuedAtMs.filter((at) => at < 3000)).toEqual([0, 200, 600, 1400]);
    expect(issuedAtMs.filter((at) => at >= 3000)[0]).toBe(3000);
    run(9000, 30_000, false);
    issuedAtMs.length = 0;
    run(30_000, 30_300, true);
    expect(issuedAtMs[0]).toBeLessThanOrEqual(30_000 + FIRST_GAP_MS);
  });

  it('tells the end of a burst without further wait', () => {
    const own = issuer();
    for (let i = 0; i < 4; i++) {
      own.offer(hosting(i));
      own.issued(RECORD_TTL_MS, i * 1000);
    }
    own.offer(hosting(9));
    expect(own.dueInMs(3000)).toBe(8 * FIRST_GAP_MS);
    own.offer(hosting(9), true);
    expect(own.dueInMs(3000)).toBe(FIRST_GAP_MS);
  });

  it('lets nodes that start together part ways', () => {
    const dues = [0, 0.5, 0.999].map((random) => {
      const own = new RecordIssuer(() => random);
      own.offer(idle);
      own.issued(RECORD_TTL_MS, 0);
      return own.dueInMs(0);
    });
    expect(new Set(dues).size).toBe(3);
    for (const due of dues) expect(due).toBeLessThanOrEqual(RECORD_INTERVAL_MS);
  });
});

describe('recordTtlMs', () => {
  it('is 20 s for small networks, grows with the size and ends at 10 minutes', () => {
    expect([0, 1, 3, 10, 30, 100, 300, 100_000].map(recordTtlMs)).toEqual([
      20_000, 20_000, 20_000, 20_000, 60_000, 200_000, 600_000, 600_000,
    ]);
  });
});

describe('isNews', () => {
  it('ignores load and the scatter of measured times', () => {
    const measured = (stepUs: number) => ({ ...idle, measured: { ...idle.measured, stepUs } });
    expect(isNews(idle, { ...idle, active: 9, queued: 9, freeKvBytes: 9 })).toBe(false);
    expect(isNews(idle, measured(120))).toBe(false);
    expect(isNews(idle, measured(126))).toBe(true);
    expect(isNews(idle, measured(79))).toBe(true);
    expect(isNews(idle, measured(0))).toBe(true);
    expect(isNews(idle, { ...idle, gateway: true })).toBe(true);
    expect(isNews(idle, hosting(9))).toBe(true);
    expect(isNews(idle, { ...idle, models: [] })).toBe(true);
  });
});
