import { encodeCanonical } from '@blyan/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import { recordCost, standingRefusal } from '../../src/records/apply-record.ts';
import { expertEntryOf } from '../../src/records/expert.ts';
import { modelEntryOf } from '../../src/records/model.ts';
import { RECORD_TYPES } from '../../src/records/record-registry.ts';
import { expertKey, modelKey, modelVersionKey, nodeKey } from '../../src/state/state-keys.ts';
import { ALICE, BOB, bytes, hash, Ledger, PARENT } from './fixture.ts';

let ledger: Ledger;
beforeEach(() => {
  ledger = new Ledger();
  ledger.draft.putAccount(ALICE, { balance: 1_000n, nonce: 0 });
});

describe('any record', () => {
  test('takes its fee and counts the nonce up', () => {
    expect(ledger.transfer(100, { fee: 7n })).toBeNull();
    expect(ledger.draft.account(ALICE)).toEqual({ balance: 893n, nonce: 1 });
    expect(ledger.draft.account(BOB)).toEqual({ balance: 100n, nonce: 0 });
  });

  test.each([
    ['of an unknown type', { type: 'mint' }, 'ERR_RECORD_TYPE', true],
    ['of an unknown version', { version: 2 }, 'ERR_RECORD_TYPE', true],
    ['in the wrong lane', { lane: 'A' as const }, 'ERR_RECORD_TYPE', true],
    ['of a nonce to come', { nonce: 1 }, 'ERR_RECORD_NONCE_FUTURE', false],
    ['whose fee is not covered', { fee: 901n }, 'ERR_RECORD_FUNDS', false],
    ['of somebody without an account', { author: BOB }, 'ERR_RECORD_FUNDS', false],
    ['with an unmet dependency', { dependsOn: [hash(3)] }, 'ERR_RECORD_DEPENDENCY', false],
    ['with a field too many', { body: { to: bytes(1), amount: 1, memo: '' } }, 'ERR_RECORD_BODY', true],
    ['with a short address', { body: { to: bytes(1).subarray(1), amount: 1 } }, 'ERR_RECORD_BODY', true],
    ['with an amount of nothing', { body: { to: bytes(1), amount: 0 } }, 'ERR_RECORD_BODY', true],
    ['with less than nothing', { body: { to: bytes(1), amount: -5 } }, 'ERR_RECORD_BODY', true],
    ['with an amount beyond bounds', { body: { to: bytes(1), amount: 1n << 128n } }, 'ERR_RECORD_BODY', true],
  ])('%s is refused and changes nothing', (_, part, code, final) => {
    const before = ledger.draft.changedKeys;
    expect(ledger.transfer(100, part)).toMatchObject({ code, final });
    expect(ledger.draft.changedKeys).toBe(before);
    expect(ledger.draft.account(ALICE)).toEqual({ balance: 1_000n, nonce: 0 });
  });

  test('is not applied twice', () => {
    expect(ledger.transfer(1)).toBeNull();
    expect(ledger.transfer(1, { nonce: 0 })).toMatchObject({ code: 'ERR_RECORD_NONCE_STALE', final: true });
  });

  test('finds what it depends on, but for transfers', () => {
    ledger.transfer(1);
    expect(ledger.transfer(1, { dependsOn: [hash(9)] })).toMatchObject({ code: 'ERR_RECORD_DEPENDENCY' });
    ledger.publish('1.0.0');
    expect(ledger.transfer(1, { dependsOn: [hash(9)] })).toBeNull();
  });
});

describe('a transfer', () => {
  test('to oneself costs the fee', () => {
    expect(ledger.transfer(900, { fee: 5n, body: { to: Buffer.from(ALICE, 'hex'), amount: 900 } })).toBeNull();
    expect(ledger.draft.account(ALICE)).toEqual({ balance: 995n, nonce: 1 });
  });

  test("pays at least the pact's share, rounded up", () => {
    const pact = new Ledger({ permille: 10 });
    pact.draft.putAccount(ALICE, { balance: 1_000n, nonce: 0 });
    expect(pact.transfer(101, { fee: 1n })).toMatchObject({
      code: 'ERR_RECORD_FEE',
      final: true,
      meta: { least: '2' },
    });
    expect(pact.transfer(101, { fee: 2n })).toBeNull();
    expect(pact.transfer(800, { fee: 98n })).toMatchObject({ code: 'ERR_RECORD_FUNDS' });
  });

  test('what it takes, and what a pool is told of it', () => {
    const record = ledger.record({ fee: 3n, nonce: 7, body: { to: bytes(1), amount: 5_000 } });
    expect(recordCost(record, RECORD_TYPES)).toBe(5_003n);
    expect(standingRefusal(ledger.draft, record, RECORD_TYPES)).toBeNull();
    const unknown = ledger.record({ type: 'mint', fee: 3n });
    expect(recordCost(unknown, RECORD_TYPES)).toBe(3n);
    expect(standingRefusal(ledger.draft, unknown, RECORD_TYPES)).toMatchObject({ final: true });
  });
});

test('a node says what it is, again and again', () => {
  const claims = { tier: 3, profile: 'cpu-avx2', memoryBytes: 1 << 30, addresses: ['/ip4/10.0.0.1/tcp/4001'] };
  const register = (claims: object) => ledger.apply({ lane: 'A', type: 'node', body: { claims } });
  expect(register(claims)).toBeNull();
  expect(register({ ...claims, tier: 4 })).toBeNull();
  expect(ledger.draft.get(nodeKey(ALICE))).toEqual({ claims: { ...claims, tier: 4 }, height: 5 });
  expect(register({ ...claims, tier: 10 })).toMatchObject({ code: 'ERR_RECORD_BODY' });
  expect(register({ ...claims, load: 1 })).toMatchObject({ code: 'ERR_RECORD_BODY' });
});

describe('a model', () => {
  test('belongs to who published it first, and its version rises', () => {
    expect(ledger.publish('1.0.0-rc.1')).toBeNull();
    expect(ledger.publish('1.0.0', { author: BOB })).toMatchObject({ code: 'ERR_RECORD_OWNER', final: true });
    expect(ledger.publish('1.0.0')).toBeNull();
    for (const version of ['1.0.0', '1.0.0-rc.2', '0.9.9']) {
      expect(ledger.publish(version)).toMatchObject({ code: 'ERR_RECORD_VERSION', final: true });
    }
    expect(ledger.publish('1.10.0')).toBeNull();
    expect(ledger.publish('1.9.0')).toMatchObject({ code: 'ERR_RECORD_VERSION' });
    const entry = modelEntryOf(ledger.draft.get(modelKey('lab/tiny')));
    expect(entry).toEqual({ owner: ALICE, latest: '1.10.0', layers: [2, 0, 1] });
    expect(ledger.draft.get(modelVersionKey('lab/tiny', '1.0.0'))).toEqual({ root: bytes(8), height: 5 });
  });

  test('brings its experts, and takes those away that are no more', () => {
    ledger.publish('1.0.0');
    expect(expertEntryOf(ledger.draft.get(expertKey('lab/tiny', 0, 1)))).toEqual({
      roots: bytes(2),
      base: { block: PARENT, round: 0 },
    });
    ledger.publish('2.0.0', {}, { experts: [[bytes(4)]] });
    expect(expertEntryOf(ledger.draft.get(expertKey('lab/tiny', 0, 0)))?.roots).toEqual(bytes(4));
    for (const [layer, expert] of [
      [0, 1],
      [2, 0],
    ] as const) {
      expect(ledger.draft.get(expertKey('lab/tiny', layer, expert))).toBeUndefined();
    }
  });

  test.each([
    ['version', '1.0'],
    ['version', '1.0.0+build'],
    ['version', '01.0.0'],
    ['version', `1.0.0-${'x'.repeat(64)}`],
    ['name', ''],
    ['name', hash(1)],
    ['name', 'a b'],
    ['root', bytes(1).subarray(1)],
    ['experts', [[new Uint8Array(33)]]],
    ['experts', [[new Uint8Array()]]],
    ['experts', new Array(1_025).fill([])],
    ['experts', new Array(17).fill(new Array(4_096).fill(bytes(1)))],
  ])('with a wrong %s is refused', (field, value) => {
    expect(ledger.publish('1.0.0', {}, { [field]: value })).toMatchObject({ code: 'ERR_RECORD_BODY', final: true });
  });

  test('names cannot reach into one another', () => {
    expect(modelVersionKey('a', '1.0.0')).not.toBe(modelKey('a/1.0.0'));
    expect(expertKey('a/0', 0, 1)).not.toBe(expertKey('a', 0, 0));
  });
});

describe('an expert', () => {
  const change = (base: object, part: object = {}, body: object = {}) =>
    ledger.apply({
      ...{ lane: 'B', type: 'expert', ...part },
      body: { model: 'lab/tiny', layer: 0, expert: 1, roots: bytes(5), base, ...body },
    });
  const published = { block: bytes(0x77), round: 0 };
  beforeEach(() => {
    ledger.publish('1.0.0');
  });

  test('changes from the base it has, once', () => {
    expect(change(published)).toBeNull();
    const entry = expertEntryOf(ledger.draft.get(expertKey('lab/tiny', 0, 1)));
    expect(entry).toEqual({ roots: bytes(5), base: { block: PARENT, round: 1 } });
    expect(change(published)).toMatchObject({ code: 'ERR_RECORD_BASE', final: false, meta: { round: 1 } });
    expect(change({ block: bytes(0x77), round: 1 })).toBeNull();
  });

  test('of another block, round, model, place or owner is refused', () => {
    expect(change({ ...published, block: bytes(2) })).toMatchObject({ code: 'ERR_RECORD_BASE' });
    expect(change({ ...published, round: 1 })).toMatchObject({ code: 'ERR_RECORD_BASE' });
    expect(change(published, {}, { model: 'none' })).toMatchObject({ code: 'ERR_RECORD_UNKNOWN' });
    expect(change(published, {}, { expert: 2 })).toMatchObject({ code: 'ERR_RECORD_UNKNOWN' });
    expect(change(published, { author: BOB })).toMatchObject({ code: 'ERR_RECORD_OWNER' });
    expect(change({ ...published, at: 1 })).toMatchObject({ code: 'ERR_RECORD_BODY' });
  });
});

test('what the types put has canonical bytes', () => {
  ledger.publish('1.0.0');
  ledger.transfer(10n ** 2n);
  for (const [key, value] of ledger.draft.seal().values()) {
    expect(key).toMatch(/^[\x21-\x7e]{1,500}$/);
    expect(value === null || encodeCanonical(ledger.draft.get(key) ?? null)).toEqual(value);
  }
});
