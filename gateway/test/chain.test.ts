import { ApiClient, blockSummary } from '@blyan/api';
import { decodeHeader, encodeRecord, signRecord } from '@blyan/chain-format';
import { generateKeyPair, signEd25519, toHex } from '@blyan/crypto';
import { AppError } from '@blyan/interface';
import { expect, test } from 'vitest';
import { startGateway } from './harness.ts';
import { ADDRESS, hashOf, KEY, NETWORK, ScriptedChain } from './scripted-chain.ts';

const author = generateKeyPair();
const record = (nonce: number, padding = 0) => {
  const fields = { lane: 'C' as const, type: 'transfer', version: 1, author: toHex(author.publicKey), nonce };
  const body = { to: new Uint8Array([1, 2]), amount: 1n, ...(padding > 0 && { padding: new Uint8Array(padding) }) };
  const unsigned = { network: NETWORK, ...fields, fee: 10n ** 20n, dependsOn: [], body };
  return encodeRecord(signRecord(unsigned, (message) => signEd25519(message, author.secretSeed)));
};
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

async function start(options: Parameters<typeof startGateway>[1] = {}) {
  const chain = new ScriptedChain();
  const started = await startGateway({}, { chain, ...options });
  const api = new ApiClient({ baseUrl: started.url });
  return { ...started, chain, api };
}

test('head, blocks, records, accounts and state are told as the port has them', async () => {
  const { api, chain } = await start();
  const { hash } = await api.chain.submit(text(record(0)));
  expect(hash).toBe(hashOf(record(0)));
  for (let i = 0; i < 4; i++) chain.append([]);
  expect(await api.chain.head()).toEqual(chain.head());

  const page = await api.chain.blocks({ limit: 3 });
  expect(page.data.map(({ height }) => height)).toEqual([5, 4, 3]);
  const rest = await api.chain.blocks({ before: page.before as number });
  expect(rest).toMatchObject({ before: null, data: [{ height: 2 }, { height: 1, recordCount: 1 }, { height: 0 }] });

  const block = await api.chain.block(1);
  expect(block).toMatchObject({ recordHashes: [hash], parent: rest.data[2]?.hash });
  expect(decodeHeader(Buffer.from(block.header, 'base64'))).toMatchObject({ network: NETWORK, height: 1 });
  expect(await api.chain.block(block.hash)).toEqual(block);

  expect(await api.chain.record(hash)).toEqual({
    hash,
    status: 'final',
    place: { height: 1, blockHash: block.hash, index: 0 },
    fields: {
      ...{ network: NETWORK, lane: 'C', type: 'transfer', version: 1, author: toHex(author.publicKey), nonce: 0 },
      ...{ fee: '100000000000000000000', dependsOn: [], body: { to: '0102', amount: 1 } },
      signature: expect.stringMatching(/^[0-9a-f]{128}$/),
    },
    bytes: text(record(0)),
  });
  expect(await api.chain.account(ADDRESS)).toEqual({
    address: ADDRESS,
    balance: `1${'0'.repeat(30)}`,
    nonce: 2,
    nextNonce: 3,
  });

  const { bytes, ...state } = await api.chain.state(KEY);
  expect(state).toEqual({ key: KEY, value: { balance: `1${'0'.repeat(30)}`, nonce: 2 } });
  const proven = await api.chain.state(KEY, true);
  expect(proven).toMatchObject({ bytes, proof: { siblings: [], other: null, block: { height: 5 } } });
  expect(await api.chain.state('account/none')).toEqual({ key: 'account/none', value: null, bytes: null });
});

test('a record that waits says so', async () => {
  const { api, chain } = await start();
  chain.stands = true;
  const { hash } = await api.chain.submit(text(record(0)));
  expect(await api.chain.record(hash)).toMatchObject({ status: 'waiting', place: null });
});

test('records are listed by their author, the latest first, and by their block; what a list leaves out it says', async () => {
  const { api, chain } = await start();
  const hashes: string[] = [];
  for (let nonce = 0; nonce < 3; nonce++) hashes.unshift(await chain.submit(record(nonce)));
  const by = { author: toHex(author.publicKey) };
  const first = await api.chain.records(by, { limit: 2 });
  expect(first.data.map(({ hash }) => hash)).toEqual(hashes.slice(0, 2));
  expect(first.data[0]).toMatchObject({ place: { height: 3, index: 0 }, sizeBytes: record(2).length });
  expect(first.data[0]?.fields).toMatchObject({ type: 'transfer', nonce: 2, body: { to: '0102', amount: 1 } });
  const rest = await api.chain.records(by, { next: first.next as string, limit: 2 });
  expect(rest).toMatchObject({ data: [{ hash: hashes[2] }], next: null });
  expect(await api.chain.records({ author: ADDRESS })).toEqual({ data: [], next: null });

  const [large, huge] = [record(3, 5_000), record(4, 300_000)];
  const block = chain.append([await chain.submit(large), await chain.submit(huge), 'f0'.repeat(32)]);
  const page = await api.chain.records({ block: block.height }, { limit: 2 });
  expect(page.data).toMatchObject([
    { sizeBytes: large.length, place: { index: 0 }, fields: { nonce: 3, body: null } },
    { sizeBytes: huge.length, place: { index: 1 }, fields: null },
  ]);
  const last = await api.chain.records({ block: block.height }, { next: page.next as string });
  expect(last).toMatchObject({ data: [{ sizeBytes: null, fields: null, place: { index: 2 } }], next: null });
});

test('the genesis is told with the id of its network, and the state by the beginning of its keys', async () => {
  const { api, chain } = await start();
  const { networkId, bytes } = await api.chain.genesis();
  expect([networkId, bytes]).toEqual([hashOf(chain.genesis), text(chain.genesis)]);
  const balance = `1${'0'.repeat(30)}`;
  expect(await api.chain.states('account/')).toEqual({
    data: [{ key: KEY, value: { balance, nonce: 2 } }],
    hasMore: false,
  });
  expect(await api.chain.states('model/', 1)).toEqual({ data: [], hasMore: false });
});

test.each([
  ['blocks?limit=0', 400, 'limit'],
  ['records', 400, 'author'],
  [`records?block=1&author=${'a'.repeat(64)}`, 400, 'author'],
  ['records?author=me', 400, 'author'],
  ['records?block=1&limit=101', 400, 'limit'],
  ['records?block=1&next=1.2.3', 400, 'next'],
  ['records?block=77', 404, null],
  ['state?prefix=expert/', 400, 'prefix'],
  ['state?prefix=node/&limit=1001', 400, 'limit'],
  ['blocks?limit=101', 400, 'limit'],
  ['blocks?before=-1', 400, 'before'],
  ['blocks?before=1e9', 400, 'before'],
  ['blocks/12x', 400, 'id'],
  [`blocks/${'A'.repeat(64)}`, 400, 'id'],
  [`blocks/${'a'.repeat(64)}`, 404, null],
  ['blocks/77', 404, null],
  ['records/77', 400, 'id'],
  [`records/${'a'.repeat(64)}`, 404, null],
  ['accounts/me', 400, 'id'],
  ['state/', 400, '*'],
  ['state/%20', 400, '*'],
  [`state/${'k'.repeat(600)}`, 400, '*'],
  ['state/account/a?proof=yes', 400, 'proof'],
  ['events?after=1', 400, 'after'],
  ['events?after=x', 400, 'after'],
])('GET %s is answered with %i', async (path, status, param) => {
  const { url } = await start();
  const response = await fetch(`${url}/api/v1/chain/${path}`);
  expect(response.status).toBe(status);
  expect((await response.json()).error.param).toBe(param);
});

test('a record that is refused costs its sender the status of its code', async () => {
  const { api, chain, post, url } = await start();
  class RecordError extends AppError {}
  const refusals = [
    ['ERR_RECORD_NONCE', 'caller', 409],
    ['ERR_RECORD_FUNDS', 'caller', 400],
    ['ERR_MEMPOOL_BUSY', 'internal', 503],
  ] as const;
  for (const [code, kind, status] of refusals) {
    chain.refuse = new RecordError(code, 'Because.', { kind });
    await expect(api.chain.submit(text(record(0)))).rejects.toMatchObject({
      message: 'Because.',
      meta: { status, serverCode: code },
    });
  }
  chain.refuse = null;
  for (const body of [{}, { record: '' }, { record: '===' }, { record: 7 }, { record: 'A'.repeat(5_700_000) }]) {
    expect((await post('/api/v1/chain/records', body)).status).toBe(400);
  }
  expect((await fetch(`${url}/api/v1/chain/records`, { method: 'PUT' })).status).toBe(405);
});

test('whoever watches gets the head and then every final block once, from where it was before too', async () => {
  const { api, chain } = await start();
  chain.append([]);
  const live = api.chain.events();
  expect((await live.next()).value).toMatchObject({ height: 1 });
  const next = live.next();
  const hash = await chain.submit(record(1));
  expect((await next).value).toMatchObject({ height: 2, recordHashes: [hash] });

  const resumed = api.chain.events(0);
  const heights = [];
  for await (const { height } of resumed) {
    heights.push(height);
    if (height === 2) chain.append([]);
    if (height === 3) break;
  }
  expect(heights).toEqual([1, 2, 3]);
  expect((await live.next()).value).toMatchObject({ height: 3 });
  await live.return(undefined as never);
  await expect.poll(() => chain.listeners).toBe(0);
});

test('watchers are bounded, and told when the gateway stops', async () => {
  const { api, gateway } = await start({ maxWatchers: 1 });
  const events = api.chain.events();
  const first = (await events.next()).value;
  expect(blockSummary.safeParse(first).success).toBe(true);
  await expect(api.chain.events().next()).rejects.toMatchObject({ meta: { status: 429 } });
  const end = events.next();
  const told = expect(end).rejects.toMatchObject({ meta: { serverCode: 'ERR_GATEWAY_STOPPING' } });
  await gateway.stop();
  await told;
});

test('a chain that has stopped for good makes the node not ready, with the code and what to do', async () => {
  class ChainError extends AppError {}
  const { api, chain, url, post } = await start();
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const events = api.chain.events();
  await events.next();
  const told = expect(events.next()).rejects.toMatchObject({ meta: { serverCode: 'ERR_CHAIN_HALTED' } });
  const failure = new ChainError('ERR_CHAIN_HALTED', 'It has stopped: ERR_STORE_DISK_FULL.', { kind: 'internal' });
  chain.halt(failure);
  chain.refuse = failure;
  await told;
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ reason: failure.message, error: { code: 'ERR_CHAIN_HALTED' } });
  expect([(await fetch(`${url}/readyz/chain`)).status, (await fetch(`${url}/readyz/model`)).status]).toEqual([
    503, 200,
  ]);
  expect(await (await fetch(`${url}/api/v1/state`)).json()).toMatchObject({ notReady: failure.message });
  for (const response of [
    await fetch(`${url}/api/v1/chain/head`),
    await post('/api/v1/chain/records', { record: text(record(0)) }),
  ]) {
    expect([response.status, (await response.json()).error.code]).toEqual([503, 'ERR_CHAIN_HALTED']);
  }
});

test('a gateway without a chain says so', async () => {
  const { url } = await startGateway();
  const response = await fetch(`${url}/api/v1/chain/head`);
  expect([response.status, (await response.json()).error.code]).toEqual([503, 'ERR_GATEWAY_CHAIN_MISSING']);
});
