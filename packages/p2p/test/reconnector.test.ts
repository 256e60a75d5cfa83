import { silentLogger } from '@blyan/interface';
import { describe, expect, it } from 'vitest';
import { backoffMs, Reconnector } from '../src/reconnector.ts';

describe('Reconnector', () => {
  it('doubles its patience up to half a minute', () => {
    expect([1, 2, 3, 4, 5, 6, 20].map(backoffMs)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('tries every address, waits after a failure, and leaves connected and forgotten peers alone', async () => {
    let nowMs = 0;
    const dialled: string[] = [];
    const connected = new Set<string>();
    let failed = Promise.withResolvers<void>();
    const reconnector = new Reconnector({
      clock: { nowMs: () => nowMs },
      logger: silentLogger,
      isConnected: (peerId) => connected.has(peerId),
      wantsMore: () => true,
      dial: async (address) => {
        dialled.push(address);
        throw new Error('refused');
      },
      onFailure: () => failed.resolve(),
    });
    reconnector.offer({ key: 'p', peerId: 'p', addresses: ['one', 'two'], configured: false });
    const tick = async (): Promise<void> => {
      failed = Promise.withResolvers<void>();
      reconnector.tick();
      await failed.promise;
      await new Promise((resolve) => setImmediate(resolve));
    };
    await tick();
    expect(dialled).toEqual(['one', 'two']);
    nowMs = 999;
    reconnector.tick();
    expect(dialled).toHaveLength(2);
    nowMs = 1000;
    await tick();
    expect(dialled).toHaveLength(4);
    nowMs = 100_000;
    connected.add('p');
    reconnector.tick();
    connected.clear();
    reconnector.forget('p');
    reconnector.tick();
    expect(dialled).toHaveLength(4);
  });
});
