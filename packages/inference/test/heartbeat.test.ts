import { P2pError } from '@blyan/p2p';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Heartbeat } from '../src/index.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Sign = 'alive' | 'silent' | 'gone' | 'busy';

/** A heartbeat of peers that do, beat by beat, as they are told: the last sign again and again. */
function beating(signs: Record<string, Sign[]>, options: { heldUpMs?: number } = {}) {
  const asked: string[] = [];
  const lost: [string, string][] = [];
  const signals = new Set<AbortSignal>();
  const heartbeat = new Heartbeat({
    ask: async (peerId, timeoutMs, signal) => {
      asked.push(peerId);
      signals.add(signal);
      const left = signs[peerId] ?? ['alive'];
      const sign = left.length > 1 ? left.shift() : left[0];
      if (sign === 'alive') return;
      if (sign === 'gone') throw new P2pError('ERR_P2P_UNREACHABLE', 'gone', { kind: 'peer' });
      if (sign === 'busy') throw new P2pError('ERR_P2P_BUSY', 'busy');
      await new Promise((resolve) => setTimeout(resolve, timeoutMs + (options.heldUpMs ?? 0)));
      throw new P2pError('ERR_P2P_TIMEOUT', 'silent', { kind: 'peer' });
    },
    onLost: (peerId, reason) => void lost.push([peerId, reason]),
  });
  return { heartbeat, asked, lost, signals };
}

test('a peer is asked ten times a second for as long as anybody watches it', async () => {
  const { heartbeat, asked, lost, signals } = beating({});
  const first = heartbeat.watch('p');
  const second = heartbeat.watch('p');
  await vi.advanceTimersByTimeAsync(950);
  expect(asked).toHaveLength(10);
  first();
  first();
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toHaveLength(11);
  second();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(11);
  expect([...signals].every(({ aborted }) => aborted)).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
  expect(lost).toEqual([]);
});

test('silence is told each time, and not of who answers again', async () => {
  const { heartbeat, lost } = beating({ p: ['alive', 'silent', 'silent', 'alive'] });
  const end = heartbeat.watch('p');
  await vi.advanceTimersByTimeAsync(449);
  expect(lost).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(lost).toEqual([
    ['p', 'silent'],
    ['p', 'silent'],
  ]);
  end();
});

test('silence while this process was held up itself says nothing', async () => {
  const { heartbeat, lost } = beating({ p: ['silent', 'alive'] }, { heldUpMs: 200 });
  const end = heartbeat.watch('p');
  await vi.advanceTimersByTimeAsync(4_000);
  expect(lost).toEqual([]);
  end();
});

test('a connection may break once; who cannot be reached twice is gone', async () => {
  const once = beating({ p: ['gone', 'alive', 'gone', 'alive'] });
  const twice = beating({ p: ['gone', 'gone', 'alive'] });
  const ends = [once, twice].map(({ heartbeat }) => heartbeat.watch('p'));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(once.lost).toEqual([]);
  expect(twice.lost).toEqual([['p', 'gone']]);
  for (const end of ends) end();
});

test('an error is no silence: a peer that refuses is there', async () => {
  const { heartbeat, lost } = beating({ p: ['busy'] });
  const end = heartbeat.watch('p');
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lost).toEqual([]);
  end();
});

test('a watch that ends in the middle of a question tells nothing more', async () => {
  const { heartbeat, lost } = beating({ p: ['silent'] });
  const end = heartbeat.watch('p');
  await vi.advanceTimersByTimeAsync(200);
  end();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(lost).toEqual([]);
});
