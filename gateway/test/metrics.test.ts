import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { CHAT, chatBody, startGateway } from './harness.ts';

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

/** What a scraper reads after answers of every kind. */
async function scraped(disturb: (url: string) => Promise<unknown> = async () => {}): Promise<string> {
  const { gateway, url, post } = await startGateway({}, { metrics: { host: '127.0.0.1', port: 0 } });
  await (await post(CHAT, chatBody())).json();
  await (await post(CHAT, chatBody({ stream: true }))).text();
  await (await post(CHAT, chatBody({ model: 'none' }))).json();
  await disturb(url);
  return await (await fetch(gateway.metricsAddress() ?? '')).text();
}

/** Series by their labels, without the bounds of buckets. */
const seriesOf = (text: string) =>
  new Set(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replace(/le="[^"]*",?/, '').replace(/ [^ ]+$/, '')),
  );

describe.skipIf(!hasPromtool)('the lint of Prometheus', () => {
  test('finds nothing in what is served, and does find what is wrong', async () => {
    const lint = (input: string) => spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    const { status, stdout, stderr } = lint(await scraped());
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
    expect(lint('# HELP blyan_answers Answers\n# TYPE blyan_answers counter\nblyan_answers 1\n').status).not.toBe(0);
  });
});

test('nothing that a client makes up becomes a label', async () => {
  const WORD = 'zxqvmadeup';
  const ask = (url: string, method: string, path: string, headers: Record<string, string> = {}) =>
    new Promise<void>((resolve, reject) => {
      request(url + path, { method, headers }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end();
    });
  let url = '';
  const before = await scraped(async (own) => {
    url = own;
    for (const method of ['GET', 'PROPFIND', 'PATCH', 'OPTIONS']) await ask(url, method, `/${WORD}-0`);
    await ask(url, 'GET', `/v1/models/${WORD}-0`);
  });
  const after = await scraped(async (own) => {
    for (let n = 0; n < 20; n++) {
      for (const method of ['GET', 'PROPFIND', 'PATCH', 'OPTIONS']) await ask(own, method, `/${WORD}-${n}`);
      await ask(own, 'GET', `/v1/models/${WORD}-${n}`, { 'x-request-id': `${WORD}-${n}`, 'user-agent': WORD });
    }
  });
  expect(after).not.toContain(WORD);
  expect([...seriesOf(after)].sort()).toEqual([...seriesOf(before)].sort());
  // Methods are many, and a parser takes all that have a name.
  const methods = new Set([...after.matchAll(/method="(\w+)"/g)].map(([, method]) => method));
  expect([...methods].sort()).toEqual(['GET', 'OPTIONS', 'POST', 'other']);
});
