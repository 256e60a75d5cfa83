import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ApiErrorBody, ChainHeadAnswer, ChainRecordAnswer } from '@blyan/api';
import { generateKeyPair } from '@blyan/crypto';
import { BadRecords } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataDirPaths } from '../../src/data-dir/data-dir.ts';
import { Bench, type Daemon } from './daemon.ts';

/** What the largest file of the chain may still grow by: some records. */
const ROOM_BYTES = 32_000;

let bench: Bench;
let daemon: Daemon;
let records: BadRecords;
/** The nonce of the next good record. */
let next = 1;

beforeAll(async () => {
  bench = await Bench.create();
  await bench.provision('a', 'all');
  await start();
  records = new BadRecords((await chain<ChainHeadAnswer>('head')).body.networkId, generateKeyPair().secretSeed);
});
afterAll(() => bench?.[Symbol.asyncDispose]());

async function start(): Promise<void> {
  daemon = await bench.start('a', { host: 'all', gateway: true });
}

const chain = <T>(path: string) => daemon.request<T & ApiErrorBody>(`/api/v1/chain/${path}`);

function submit(record: Uint8Array) {
  const body = { record: Buffer.from(record).toString('base64') };
  return daemon.request<{ hash: string } & ApiErrorBody>('/api/v1/chain/records', body);
}

/** Asks until a record is final, or the chain has stopped. */
async function outcome(hash: string): Promise<'final' | 'halted'> {
  for (;;) {
    const { status, body } = await chain<ChainRecordAnswer>(`records/${hash}`);
    if (body.status === 'final') return 'final';
    if (status === 503) return 'halted';
  }
}

/** Asks for answers until one is refused: the ledger had room for those before it. */
async function firstRefused() {
  for (;;) {
    const answer = await daemon.golden('local');
    if (answer.status !== 200) return answer;
  }
}

test('a record of each bad kind is answered with 4xx and its code, and the chain goes on', async () => {
  const { body } = await submit(records.first);
  expect(await outcome(body.hash)).toBe('final');
  const waiting = await submit(records.waiting);
  for (const { what, bytes, code } of records.all) {
    const answer = await submit(bytes);
    // To hand in again what waits is no error, and changes nothing.
    if (code === 'ERR_MEMPOOL_KNOWN') expect(answer).toEqual(waiting);
    else if (what === 'oversized') expect(answer.status).toBe(400);
    else expect([what, Math.floor(answer.status / 100), answer.body.error.code]).toEqual([what, 4, code]);
  }
  const good = await submit(records.node(next++, 'good'));
  expect(await outcome(good.body.hash)).toBe('final');
  next++;
});

test('a full disk stops the chain and says so; with room it goes on from all that was final', async () => {
  const folder = dataDirPaths(bench.folder('a')).chain;
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
  const limit = Math.max(...sizes) + ROOM_BYTES;
  await promisify(execFile)('prlimit', ['--pid', String(daemon.program.pid), `--fsize=${limit}:`]);
  const final: string[] = [];
  for (;;) {
    const { status, body } = await submit(records.node(next++, 'more'));
    expect(status).toBe(202);
    if ((await outcome(body.hash)) === 'halted') break;
    final.push(body.hash);
  }
  expect(final.length).toBeGreaterThan(0);

  await daemon.program.hears(/ERR_STORE_DISK_FULL.*the chain has stopped/);
  const ready = await daemon.request<{ reason: string } & ApiErrorBody>('/readyz');
  expect(ready).toMatchObject({ status: 503, body: { error: { code: 'ERR_CHAIN_HALTED' } } });
  expect(ready.body.reason).toContain('ERR_STORE_DISK_FULL');
  const refused = await submit(records.node(next, 'more'));
  expect(refused).toMatchObject({ status: 503, body: { error: { code: 'ERR_CHAIN_HALTED' } } });
  // What it serves does not hang on its chain, but on the ledger: what cannot be written down is not computed.
  const unpaid = await firstRefused();
  expect(unpaid).toMatchObject({ status: 503, body: { error: { code: expect.stringMatching(/^ERR_LEDGER_/) } } });
  expect(await daemon.program.stop()).toMatchObject({ code: 0 });

  await start();
  expect((await daemon.request('/readyz')).status).toBe(200);
  expect((await daemon.goldenAnswer('local')).logits.length).toBeGreaterThan(0);
  for (const hash of final) expect((await chain<ChainRecordAnswer>(`records/${hash}`)).body.status).toBe('final');
  const { body } = await chain<{ nextNonce: number }>(`accounts/${records.author}`);
  const good = await submit(records.node(body.nextNonce, 'after'));
  expect(await outcome(good.body.hash)).toBe('final');
});
