import { expect, onTestFinished, test, vi } from 'vitest';
import { CHAT, chatBody, startGateway } from './harness.ts';
import { MemoryLedger, posts } from './metering/ledger-fixture.ts';

test('a gateway whose ledger takes nothing is not ready, as long as ends of answers wait for it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const books = new MemoryLedger();
  const { ledger, store } = await books.open();
  const { url, post, coordinator } = await startGateway({ holdAt: 4 }, { ledger: { ledger, store } });
  const ready = async () => {
    const response = await fetch(`${url}/readyz/ledger`);
    return [response.status, (await response.json()).checks];
  };
  const answer = await post(CHAT, chatBody({ stream: true }));
  expect(await ready()).toEqual([200, [{ name: 'ledger', ok: true }]]);
  await ledger.stop();
  coordinator.release();
  await answer.text();
  expect((await post(CHAT, chatBody())).status).toBe(503);
  expect(await ready()).toEqual([503, [{ name: 'ledger', ok: false, reason: expect.stringMatching(/ledger/i) }]]);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await ready())[0]).toBe(503);
  await ledger.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await ready())[0]).toBe(200);
  expect(posts(books)).toHaveLength(1);
});

test('where nothing waits for the ledger, the next answer shows whether it takes something again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const { ledger, store } = await new MemoryLedger().open();
  const { url, post } = await startGateway({}, { ledger: { ledger, store } });
  const status = async () => (await fetch(`${url}/readyz`)).status;
  await ledger.stop();
  for (const _ of [1, 2]) {
    expect((await post(CHAT, chatBody())).status).toBe(503);
    expect(await status()).toBe(503);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await status()).toBe(200);
  }
});
