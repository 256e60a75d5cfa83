import {
  type BlockOutline,
  encodeRecord,
  hashRecord,
  headerHash,
  recordsRoot,
  validatorSetHash,
} from '@blyan/chain-format';
import { decodeCanonical } from '@blyan/codec';
import { fromHex, nodeSuite } from '@blyan/crypto';
import { MAX_BLOCK_BYTES } from '@blyan/params';
import { MemoryStore } from '@blyan/store';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  ChainApplication,
  expertKey,
  modelEntryOf,
  modelKey,
  privateGenesis,
  RECORD_TYPES,
  recordType,
} from '../../src/index.ts';
import { FREE } from '../../src/records/record-type.ts';
import { certificateFor, EPOCH_BLOCKS, genesis, keyOf, PEOPLE, sign, TestNode, transfer } from './fixture.ts';

let node: TestNode;
let other: TestNode;
beforeEach(async () => {
  node = await TestNode.open();
  other = await TestNode.open();
});

const code = (block: BlockOutline, nowMs = 2_000_000) => {
  const judgement = other.application.judge(block, nowMs);
  return judgement.verdict === 'invalid' ? judgement.code : judgement.verdict;
};

/** The block with other header fields, its hash right. */
function altered(block: BlockOutline, fields: object, recordHashes = block.recordHashes): BlockOutline {
  const header = { ...block.header, ...fields };
  return { hash: headerHash(header, nodeSuite), header, recordHashes };
}

/** A block of records that its builder should have refused. */
function containing(block: BlockOutline, hashes: string[]): BlockOutline {
  const content = { recordCount: hashes.length, recordsRoot: recordsRoot(hashes, nodeSuite) };
  return altered(block, content, hashes);
}

test('the genesis block is a function of the genesis, and its state has what it founds', () => {
  const { head, rules } = node.application;
  expect(head).toEqual(other.application.head);
  expect(head.header).toMatchObject({ height: 0, epoch: 0, network: genesis.hash });
  expect(rules).toMatchObject({ epoch: 0, seed: head.hash, lastHeight: EPOCH_BLOCKS });
  expect(head.header.validatorsHash).toBe(validatorSetHash(rules.validators, nodeSuite));
  expect(node.application.account(keyOf('ann'))).toEqual({ balance: 1_000n, nonce: 0 });
  const model = node.application.value(modelKey('lab/tiny')) as Uint8Array;
  expect(modelEntryOf(decodeCanonical(model))).toMatchObject({ owner: keyOf('ann'), latest: '1.0.0' });
  expect(node.application.value(expertKey('lab/tiny', 0, 0))).toBeDefined();
});

test('a block is built of what waits, judged by others, and committed; its proposer has the fees', async () => {
  const records = [transfer('ann', 'bob', 5n, { fee: 2n }), transfer('ann', 'cid', 6n, { nonce: 1, fee: 1n })];
  expect(node.offer(...records)).toEqual(['accept', 'accept']);
  expect(node.application.pending).toBe(true);
  const block = node.build();
  expect(block.recordHashes).toEqual(records.map(({ hash }) => hash));
  expect(other.application.judge(block, 2_000_000)).toEqual({ verdict: 'missing', records: block.recordHashes });
  other.application.addRecords(records.map(({ bytes }) => bytes));
  expect(code(block)).toBe('valid');
  for (const each of [node, other]) {
    await each.keep(block);
    await each.commit(block);
    expect(each.application.head).toEqual(block);
    expect(each.application.account(keyOf('ann'))).toEqual({ balance: 986n, nonce: 2 });
    expect(each.application.account(each.application.rules.validators[0]?.publicKey as string).balance).toBe(3n);
    expect(await each.supply()).toBe(3_000n);
  }
  expect(node.application.pending).toBe(false);
  expect(node.offer(records[0] as never)).toEqual(['ERR_MEMPOOL_STALE']);
});

test('a head that the store does not have yet is read from memory', async () => {
  node.offer(transfer('ann', 'bob', 5n));
  const first = node.build();
  const pending = node.application.commit(first.hash, certificateFor(first));
  expect(node.application.account(keyOf('bob')).balance).toBe(1_005n);
  node.mempool.headMoved();
  node.offer(transfer('bob', 'ann', 1_005n));
  const second = node.build();
  expect(second.header.height).toBe(2);
  await node.store.write(pending, { sync: false });
  await node.commit(second);
  expect(node.application.account(keyOf('bob'))).toEqual({ balance: 0n, nonce: 1 });
  const again = await TestNode.open(node.store);
  expect(again.application.head).toEqual(second);
  expect(again.application.prove(`account/${keyOf('bob')}`)).toEqual(node.application.prove(`account/${keyOf('bob')}`));
});

describe('a block is refused', () => {
  let block: BlockOutline;
  beforeEach(() => {
    const record = transfer('ann', 'bob', 5n);
    node.offer(record);
    other.offer(record);
    block = node.build();
  });

  test.each([
    ['network', { network: keyOf('x') }, 'ERR_CHAIN_BLOCK_NETWORK'],
    ['height', { height: 2 }, 'ERR_CHAIN_BLOCK_PLACE'],
    ['epoch', { epoch: 1 }, 'ERR_CHAIN_BLOCK_PLACE'],
    ['view', { view: 0 }, 'ERR_CHAIN_BLOCK_PLACE'],
    ['time', { timeMs: 0 }, 'ERR_CHAIN_BLOCK_TIME'],
    ['proposer beyond the set', { proposer: 2 }, 'ERR_CHAIN_BLOCK_VALIDATORS'],
    ['record count', { recordCount: 0 }, 'ERR_CHAIN_BLOCK_CONTENT'],
    ['records root', { recordsRoot: keyOf('x') }, 'ERR_CHAIN_BLOCK_CONTENT'],
    ['state root', { stateRoot: keyOf('x') }, 'ERR_CHAIN_BLOCK_STATE'],
    ['validators', { validatorsHash: keyOf('x') }, 'ERR_CHAIN_BLOCK_VALIDATORS'],
    ['next validators', { nextValidatorsHash: keyOf('x') }, 'ERR_CHAIN_BLOCK_VALIDATORS'],
    ['parent', { parent: keyOf('x') }, 'missing'],
  ])('for another %s', (_, fields, expected) => {
    expect(code(altered(block, fields))).toBe(expected);
    expect(code({ ...altered(block, fields), hash: block.hash })).not.toBe('valid');
    expect(code(block)).toBe('valid');
  });

  test('until its time has come', () => {
    const { timeMs } = block.header;
    expect(other.application.judge(block, timeMs - 10_001)).toEqual({ verdict: 'early', atMs: timeMs - 10_000 });
    expect(other.application.judge(block, timeMs - 10_000)).toEqual({ verdict: 'valid' });
  });

  const forged = () => {
    const { record } = transfer('ann', 'bob', 7n);
    return encodeRecord({ ...record, signature: new Uint8Array(64).fill(1) });
  };
  test.each([
    ['wrongly signed', forged, 'ERR_RECORD_SIGNATURE'],
    ['of another network', () => transfer('ann', 'bob', 1n, { network: keyOf('x') }).bytes, 'ERR_RECORD_NETWORK'],
    ['no record', () => new Uint8Array(9), 'ERR_RECORD_BYTES'],
    ['under-funded', () => transfer('ann', 'bob', 1_001n).bytes, 'ERR_RECORD_FUNDS'],
    ['too new', () => transfer('ann', 'bob', 1n, { nonce: 1 }).bytes, 'ERR_RECORD_NONCE_FUTURE'],
    ['of an unknown type', () => sign('ann', { type: 'mint', body: {} }).bytes, 'ERR_RECORD_TYPE'],
  ])('for a record that is %s', (_, bytes, expected) => {
    const raw = bytes();
    other.application.addRecords([raw]);
    expect(code(containing(block, [hashRecord(raw, nodeSuite)]))).toBe(expected);
  });

  test('for the same record twice', () => {
    const [hash] = block.recordHashes as [string];
    expect(code(containing(block, [hash, hash]))).toBe('ERR_RECORD_NONCE_STALE');
  });
});

test('epochs follow each other, and a restart finds its place in each of them', async () => {
  const starts = [node.application.head];
  for (let height = 1; height <= 3 * EPOCH_BLOCKS + 1; height++) {
    const block = node.build();
    expect(code(block)).toBe('valid');
    await node.commit(block);
    await other.commit(block);
    if (height % EPOCH_BLOCKS === 0) starts.push(block);
    const epoch = Math.floor(height / EPOCH_BLOCKS);
    const { rules } = node.application;
    expect(rules).toMatchObject({ epoch, start: starts[epoch], lastHeight: (epoch + 1) * EPOCH_BLOCKS });
    expect(rules.seed).toBe(starts[Math.max(0, epoch - 1)]?.hash);
    expect((await TestNode.open(node.store)).application.rules).toEqual(rules);
  }
});

test('blocks of the next epoch stand on a final start only', async () => {
  for (let height = 1; height < EPOCH_BLOCKS; height++) await node.commit(node.build());
  const last = node.build();
  expect(() => node.build(last, 1)).toThrow(TypeError);
  expect(node.application.judge(last, 0)).toEqual({ verdict: 'valid' });
  await node.commit(last);
  expect(node.build().header).toMatchObject({ epoch: 1, view: 1, height: EPOCH_BLOCKS + 1 });
});

test('of blocks side by side one line becomes final; the others go, from the disk too', async () => {
  node.offer(transfer('ann', 'bob', 5n));
  const left = node.build(node.application.head, 1);
  await node.keep(left);
  node.offer(transfer('cid', 'bob', 5n));
  const right = node.build(node.application.head, 2);
  const above = node.build(right, 3);
  for (const block of [right, above]) await node.keep(block);
  expect(await node.store.get(`u/${left.hash}`)).toBeDefined();

  const reopened = await TestNode.open(node.store);
  for (const block of [left, right, above]) {
    expect(reopened.application.judge(block, 0)).toEqual({ verdict: 'valid' });
    expect(reopened.application.bodyWrites(block.hash)).toEqual([]);
  }
  await reopened.commit(above);
  expect(reopened.application.head).toEqual(above);
  expect(reopened.application.judge(left, 0)).toEqual({ verdict: 'missing', records: [] });
  for (const block of [left, right, above]) expect(reopened.store.get(`u/${block.hash}`)).toBeUndefined();
  for (const hash of right.recordHashes) expect(reopened.store.get(`r/${hash}`)).toBeDefined();
  expect(() => reopened.application.commit(left.hash, {} as never)).toThrow(TypeError);
});

test('records of a block that lost leave the disk unless another has them', async () => {
  node.offer(transfer('ann', 'bob', 5n));
  const left = node.build(node.application.head, 1);
  await node.keep(left);
  const right = other.build(other.application.head, 2);
  expect(node.application.judge(right, 2_000_000)).toEqual({ verdict: 'valid' });
  await node.commit(right);
  expect(node.store.get(`r/${left.recordHashes[0]}`)).toBeUndefined();
});

test('what does not apply is passed over, and tried again when the head has moved', async () => {
  node.offer(transfer('ann', 'bob', 1_000n), transfer('bob', 'cid', 1_000n));
  node.offer(sign('cid', { lane: 'B', type: 'expert', body: expertBody(3) }));
  const block = node.build();
  expect(block.recordHashes).toHaveLength(2);
  await node.commit(block);
  expect(node.application.account(keyOf('cid')).balance).toBe(2_000n);
});

test('a data directory of another genesis is refused, and both are named', async () => {
  const stranger = privateGenesis({ name: 'other', salt: new Uint8Array(16) });
  const deps = { store: node.store, records: node.mempool, suite: nodeSuite };
  const refusal = ChainApplication.open({ genesis: stranger }, deps);
  await expect(refusal).rejects.toMatchObject({ code: 'ERR_CHAIN_NETWORK' });
  await expect(refusal).rejects.toThrow(new RegExp(`${genesis.hash}.*${stranger.hash}`));
});

test('a network without validators stays at its genesis block', async () => {
  const store = new MemoryStore();
  const still = privateGenesis({ name: 'still', salt: new Uint8Array(16) });
  for (let i = 0; i < 2; i++) {
    const application = await ChainApplication.open(
      { genesis: still },
      { store, records: node.mempool, suite: nodeSuite },
    );
    expect(application.rules.validators).toEqual([]);
    expect(() => application.build({ parent: application.head.hash, view: 1, proposer: 0, nowMs: 1 })).toThrow(
      TypeError,
    );
  }
});

function expertBody(round: number): object {
  const base = { block: fromHex(keyOf('x')), round };
  return { model: 'lab/tiny', layer: 0, expert: 0, roots: fromHex(keyOf('y')), base };
}

test('a block of more bytes than may be is not built, and invalid when somebody built it', async () => {
  const big = recordType({
    ...{ lane: 'D', name: 'big', version: 1, body: z.object({ bytes: z.instanceof(Uint8Array) }), ...FREE },
    check: () => null,
    apply: () => undefined,
  });
  const registry = RECORD_TYPES.with(big);
  node = await TestNode.open(undefined, {}, registry);
  other = await TestNode.open(undefined, {}, registry);
  const bytes = new Uint8Array(Math.floor(MAX_BLOCK_BYTES / 3));
  const records = PEOPLE.map((author) => sign(author, { lane: 'D', type: 'big', body: { bytes } }));
  node.offer(...records);
  other.application.addRecords(records.map((record) => record.bytes));
  const block = node.build();
  expect(block.recordHashes).toHaveLength(2);
  expect(code(block)).toBe('valid');
  const hashes = records.map(({ hash }) => hash);
  expect(code(containing(block, hashes))).toBe('ERR_CHAIN_BLOCK_SIZE');
});
