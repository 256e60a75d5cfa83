import { ApiClient, type ChainBlock } from '@blyan/api';
import { EPOCH_BLOCKS } from '@blyan/params';
import { expect, test } from 'vitest';
import { ChainVerifier, type ProofListener } from '../../web/src/pages/explorer/proof/chain-verifier.ts';
import { runProof } from '../../web/src/pages/explorer/proof/run-proof.ts';
import type { ProofState } from '../../web/src/pages/explorer/proof/steps.ts';
import { startGateway } from '../harness.ts';
import { BLY, loneValidator, RECEIVER } from './lone-validator.ts';

const { signal } = new AbortController();

async function start() {
  const validator = await loneValidator();
  const { url } = await startGateway({}, { chain: validator.chain });
  const api = new ApiClient({ baseUrl: url }).chain;
  return { ...validator, api, verifier: new ChainVerifier(api, null) };
}

const prove = (check: (listener: ProofListener) => Promise<void>, states: ProofState[] = []) =>
  runProof(check, (state) => states.push(state), signal);

/** The text with one of its letters changed. */
const changed = (text: string, at = text.length >> 1) =>
  text.slice(0, at) + (text[at] === 'A' || text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1);

test('block, record, account and absence are proven against the founders of the genesis', async () => {
  const { api, verifier, transfer, author, genesis } = await start();
  const hash = await transfer(250n * BLY);
  await transfer(1n);

  const states: ProofState[] = [];
  const block = await prove(async (listener) => verifier.block(await api.block(1), listener, signal), states);
  expect(block).toMatchObject({
    status: 'proven',
    failure: null,
    steps: [
      { at: 'genesis', network: genesis.hash, validators: 1 },
      { at: 'finality', height: 1, epoch: 0, weight: 7, total: 7, quorum: 5, descendants: 0 },
      { at: 'records', count: 1 },
    ],
  });
  expect(block.steps[1]).toMatchObject({ signers: [{ publicKey: author, name: 'founder', weight: 7, signed: true }] });
  expect(states.map(({ status, steps }) => [status, steps.length])).toEqual([
    ['running', 0],
    ['running', 1],
    ['running', 2],
    ['running', 3],
    ['proven', 3],
  ]);

  const record = await prove(async (listener) => verifier.record(await api.record(hash), listener, signal));
  expect(record).toMatchObject({ status: 'proven' });
  expect(record.steps.slice(2)).toEqual([
    { at: 'record', index: 0, count: 1 },
    { at: 'author', author },
  ]);

  for (const [key, isAbsent] of [
    [`account/${RECEIVER}`, false],
    [`account/${'00'.repeat(32)}`, true],
  ] as const) {
    const told = await api.state(key, true);
    const state = await prove((listener) => verifier.state(told, listener, signal));
    expect(state.steps.at(-1)).toMatchObject({ at: 'state', key, isAbsent });
    expect(state.status).toBe('proven');
  }
});

test('whatever is doctored is refuted at the step where it stops to follow', async () => {
  const { api, verifier, transfer } = await start();
  const hash = await transfer(250n * BLY);
  await transfer(1n);
  const block = await api.block(2);
  const record = await api.record(hash);
  const account = await api.state(`account/${RECEIVER}`, true);
  const proof = account.proof as NonNullable<typeof account.proof>;
  const failure = async (check: (listener: ProofListener) => Promise<void>) => (await prove(check)).failure;
  const ofBlock = (change: Partial<ChainBlock>) =>
    failure((listener) => verifier.block({ ...block, ...change }, listener, signal));
  const ofState = (change: Partial<typeof account>) =>
    failure((listener) => verifier.state({ ...account, ...change }, listener, signal));

  const more = btoa(atob(account.bytes as string).replace(/.$/s, '\u0007'));
  expect(await ofState({ bytes: more })).toEqual({ at: 'state', kind: 'refuted', reason: 'ERR_STATE_PROOF' });
  expect(await ofState({ bytes: null })).toMatchObject({ at: 'state', kind: 'refuted' });
  expect(await ofState({ key: `account/${'00'.repeat(32)}` })).toMatchObject({ at: 'state', kind: 'refuted' });
  const [first = '', ...siblings] = proof.siblings;
  expect(await ofState({ proof: { ...proof, siblings: [changed(first), ...siblings] } })).toMatchObject({
    at: 'state',
  });

  const certificate = changed(block.certificate as string, (block.certificate as string).length - 9);
  expect(await ofBlock({ certificate })).toEqual({
    at: 'finality',
    kind: 'refuted',
    reason: 'ERR_CERTIFICATE_SIGNATURE',
  });
  expect(await ofBlock({ hash: changed(block.hash) })).toEqual({ at: 'finality', kind: 'refuted', reason: 'hash' });
  expect(await ofBlock({ recordHashes: [hash] })).toMatchObject({ at: 'records', reason: 'ERR_RECORD_PROOF' });
  expect(await ofBlock({ recordHashes: [] })).toEqual({ at: 'records', kind: 'refuted', reason: 'records' });
  expect(await ofBlock({ certificate: null })).toEqual({ at: 'finality', kind: 'open', reason: 'missing' });
  expect(await ofBlock({ header: '?' })).toMatchObject({ kind: 'refuted', reason: 'bytes' });
  const older = (await api.block(1)).certificate;
  expect(await ofBlock({ certificate: older })).toMatchObject({ at: 'finality' });

  const forged = changed(record.bytes as string, (record.bytes as string).length - 9);
  expect(await failure((listener) => verifier.record({ ...record, bytes: forged }, listener, signal))).toEqual({
    ...{ at: 'author', kind: 'refuted', reason: 'hash' },
  });
  const elsewhere = { ...record, place: { height: 2, blockHash: block.hash, index: 0 } };
  expect(await failure((listener) => verifier.record(elsewhere, listener, signal))).toMatchObject({
    ...{ at: 'record', kind: 'refuted', reason: 'records' },
  });
});

test('a network of another genesis, and one that is not the trusted one, is not believed', async () => {
  const { api, transfer, genesis } = await start();
  await transfer(1n);
  const other = (await loneValidator()).genesis;
  const told = await api.genesis();
  const block = await api.block(1);
  const check = (verifier: ChainVerifier) => prove((listener) => verifier.block(block, listener, signal));
  expect((await check(new ChainVerifier(api, genesis.hash))).status).toBe('proven');
  expect((await check(new ChainVerifier(api, other.hash))).failure).toMatchObject({ reason: 'otherNetwork' });

  const source = (genesisAnswer: typeof told) => ({
    genesis: async () => genesisAnswer,
    block: (id: number | string) => api.block(id),
    blocks: api.blocks.bind(api),
    epochs: api.epochs.bind(api),
  });
  const foreign = { networkId: other.hash, bytes: Buffer.from(other.bytes).toString('base64') };
  const lies = [
    { ...told, bytes: foreign.bytes },
    // Whole in itself, but its founders are not those of the blocks.
    foreign,
  ];
  for (const lie of lies) {
    expect((await check(new ChainVerifier(source(lie), null))).failure).toEqual({
      ...{ at: 'genesis', kind: 'refuted', reason: 'genesis' },
    });
  }
});

test('a block that a later one made final, the genesis block, and a record that waits', async () => {
  const { api, verifier, transfer } = await start();
  for (let i = 0; i < 3; i++) await transfer(1n);
  const { certificate } = await api.block(3);
  const block = { ...(await api.block(1)), certificate };
  const proven = await prove((listener) => verifier.block(block, listener, signal));
  expect(proven).toMatchObject({ status: 'proven', steps: [{}, { height: 1, descendants: 2 }, {}] });
  const genesis = await api.block(0);
  const founding = await prove((listener) => verifier.block(genesis, listener, signal));
  expect(founding.failure).toEqual({ at: 'finality', kind: 'open', reason: 'unsigned' });
  const record = { ...(await api.record((await api.block(1)).recordHashes[0] as string)), place: null };
  const waiting = await prove((listener) => verifier.record(record, listener, signal));
  expect(waiting.failure).toMatchObject({ kind: 'open', reason: 'waiting' });
  const pruned = await prove((listener) =>
    verifier.record({ ...record, place: { height: 99, blockHash: '', index: 0 } }, listener, signal),
  );
  expect(pruned.failure).toMatchObject({ kind: 'open', reason: 'not_found' });
});

test('epochs are followed to their validators, and what is of an earlier one is proven after that too', async () => {
  const { api, verifier, transfer } = await start();
  for (let i = 0; i <= EPOCH_BLOCKS; i++) await transfer(1n);
  const states: ProofState[] = [];
  // Both at once: neither disturbs the other.
  const [late, early] = await Promise.all([
    prove(async (listener) => verifier.block(await api.block(EPOCH_BLOCKS + 1), listener, signal), states),
    prove(async (listener) => verifier.block(await api.block(7), listener, signal)),
  ]);
  expect(late).toMatchObject({ status: 'proven', steps: [{}, { at: 'epochs', epoch: 1 }, { epoch: 1 }, {}] });
  expect(states.some(({ epoch }) => epoch === 1)).toBe(true);
  expect(early).toMatchObject({ status: 'proven', steps: [{}, { at: 'finality', epoch: 0, height: 7 }, {}] });
});
