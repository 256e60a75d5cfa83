import { ApiClient } from '@blyan/api';
import { expect, test } from 'vitest';
import { figuresOf } from '../../web/src/figures.ts';
import { proofText } from '../../web/src/pages/explorer/proof-text.ts';
import { publishedModels } from '../../web/src/pages/explorer/published-models.ts';
import { readRecord } from '../../web/src/pages/explorer/record-sense.ts';
import { searchTarget } from '../../web/src/pages/explorer/search-target.ts';
import { whyOf } from '../../web/src/pages/explorer/why-unproven.ts';
import { startGateway } from '../harness.ts';
import { BLY, loneValidator, RECEIVER } from './lone-validator.ts';

const { signal } = new AbortController();
const ROOT = new Uint8Array(32).fill(7);
const claims = { name: 'box', tier: 2, profile: 'cpu', memoryBytes: 2 ** 33, addresses: ['/ip4/127.0.0.1/tcp/1'] };

async function start() {
  const validator = await loneValidator();
  const { url } = await startGateway({}, { chain: validator.chain });
  return { ...validator, api: new ApiClient({ baseUrl: url }).chain };
}

test('each type of record is read from what the API tells; what is of no known type stays whole', async () => {
  const { api, write, transfer, author } = await start();
  const model = { name: 'org/m', version: '1.0.0', root: ROOT, experts: [[ROOT, ROOT], [], [ROOT]] };
  const hashes = [
    await transfer(250n * BLY),
    await write('A', 'node', { claims }),
    await write('A', 'model', model),
    await write('A', 'model', { ...model, version: '1.1.0', experts: [[ROOT]] }),
  ];
  const senses = [];
  for (const hash of hashes) {
    const record = readRecord((await api.record(hash)).fields);
    expect(record).toMatchObject({ author, version: 1, fee: 0n, dependsOn: [] });
    senses.push(record?.sense);
  }
  expect(senses).toEqual([
    { type: 'transfer', to: RECEIVER, amount: 250n * BLY },
    { type: 'node', ...claims },
    { type: 'model', name: 'org/m', version: '1.0.0', root: '07'.repeat(32), layers: 3, experts: 3 },
    { type: 'model', name: 'org/m', version: '1.1.0', root: '07'.repeat(32), layers: 1, experts: 1 },
  ]);
  expect(publishedModels(await api.states('model/'))).toEqual([
    {
      ...{ name: 'org/m', owner: author, latest: '1.1.0', layers: 1, experts: 1 },
      versions: [
        { version: '1.1.0', root: '07'.repeat(32), height: 4 },
        { version: '1.0.0', root: '07'.repeat(32), height: 3 },
      ],
    },
  ]);
});

test.each([
  ['null', null],
  ['a list', []],
  ['no type', { author: 'a' }],
])('%s is no record', (_name, fields) => {
  expect(readRecord(fields)).toBeNull();
});

test.each([
  ['expert', { model: 'm', layer: 1, expert: 7, roots: 'ab'.repeat(64), base: { round: 3, block: '' } }, 'expert'],
  ['transfer', { to: 'x', amount: 'many' }, 'other'],
  ['transfer', { to: 'x', amount: 1.5 }, 'other'],
  ['node', { claims: 7 }, 'other'],
  ['model', null, 'other'],
  ['vote', { for: 'x' }, 'other'],
])('a body of type %s is read, or left alone', (type, body, sense) => {
  expect(readRecord({ type, author: 'a', lane: 'B', body })?.sense.type).toBe(sense);
});

test('what is looked for is found: heights, blocks and records by hash, accounts, peers', async () => {
  const { api, transfer, author, chain } = await start();
  const record = await transfer(1n);
  const find = (text: string) => searchTarget(text, api, signal);
  const peer = '12D3KooWPE8sAoTz1cxa7hBbuiQMSA1RKmtEyqkhn5mdNXhMZSqr';
  expect(await find(' 0012 ')).toBe('/explorer/blocks/12');
  expect(await find(record.toUpperCase())).toBe(`/explorer/records/${record}`);
  expect(await find(`0x${chain.head().hash}`)).toBe('/explorer/blocks/1');
  expect(await find(author)).toBe(`/explorer/accounts/${author}`);
  expect(await find(peer)).toBe(`/nodes/${peer}`);
  for (const text of ['', 'blyan', '12 34', `${author}0`, '-1', '../x']) expect(await find(text)).toBeNull();
});

test('amounts are exact, and numbers are written as each language writes them', () => {
  const [en, ko] = [figuresOf('en'), figuresOf('ko')];
  expect(en.bly(1_234_567n * BLY + 5n * 10n ** 16n)).toBe('1,234,567.05 BLY');
  expect([en.bly(0n), en.bly(1n), ko.bly(BLY)]).toEqual(['0 BLY', '0.000000000000000001 BLY', '1 BLY']);
  expect(en.bly(2n ** 127n)).toBe('170,141,183,460,469,231,731.687303715884105728 BLY');
  expect([0, 1023, 1024, 12_638_251_008].map(en.bytes)).toEqual(['0 B', '1,023 B', '1 KiB', '11.8 GiB']);
  const now = 1_000_000_000_000;
  expect([0, 59_000, 60_000, 7_200_000, -5_000].map((ms) => en.ago(now - ms, now))).toEqual([
    ...['now', '59 sec. ago', '1 min. ago', '2 hr. ago', 'now'],
  ]);
  expect(ko.ago(now - 60_000, now)).toBe('1분 전');
});

test('why something is not proven is said in words, or with the code that is known of it', () => {
  const why = (kind: 'refuted' | 'open' | 'offline', reason: string) =>
    whyOf({ at: 'finality', kind, reason }, proofText.en);
  expect(why('refuted', 'ERR_STATE_PROOF')).toBe(proofText.en.whyState);
  expect(why('refuted', 'ERR_LIGHT_CHAIN')).toContain('ERR_LIGHT_CHAIN');
  expect(why('open', 'ERR_CHAIN_PRUNED')).toContain('does not have');
  expect(why('offline', 'ERR_API_UNREACHABLE')).toBe(proofText.en.whyOffline);
});
