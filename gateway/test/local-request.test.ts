import { get } from 'node:http';
import { expect, test } from 'vitest';
import { startGateway } from './harness.ts';
import { MemoryLedger } from './metering/ledger-fixture.ts';

test('what only programs of this machine may read is not read by a page whose name was resolved to it', async () => {
  const { ledger, store } = await new MemoryLedger().open();
  // Listens for others too, so that any name is taken for one of its own.
  const { url } = await startGateway({}, { host: '0.0.0.0', ledger: { ledger, store } });
  const { port } = new URL(url);
  const status = (host: string) =>
    new Promise((resolve, reject) => {
      get(`${url}/api/v1/ledger/trial-balance`, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
  expect(await status('evil.example')).toBe(403);
  expect(await status(`192.0.2.1:${port}`)).toBe(403);
  expect(await status(`localhost:${port}`)).toBe(200);
});
