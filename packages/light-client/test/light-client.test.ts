import { nobleSuite, proveRecord, stateLeafHash, statePath } from '@blyan/chain-format';
import { nodeSuite, toHex } from '@blyan/crypto';
import { describe, expect, it } from 'vitest';
import { decodeEpochEnd, decodeFinalityProof, encodeEpochEnd, encodeFinalityProof, LightClient } from '../src/index.ts';
import { committee, EPOCH_BLOCKS, hashOf, TestChain } from './test-chain.ts';

const failing = (code: string) => expect.objectContaining({ code, kind: 'peer' });
const [A, B] = [committee(1), committee(11)];
const VALUE = Uint8Array.of(1, 2, 3);
const STATE_ROOT = toHex(stateLeafHash(statePath('pact', nobleSuite), nobleSuite.sha256(VALUE), nobleSuite));
const RECORDS = [hashOf(1), hashOf(2), hashOf(3)];
const chain = new TestChain([A, A, B, B, A], STATE_ROOT, RECORDS);

const startOf = (suite = nobleSuite) => new LightClient(chain.checkpoint, chain.header(0), A.set, suite);
function clientIn(epoch: number): LightClient {
  const client = startOf(nodeSuite);
  for (let e = 0; e < epoch; e++) client.advance(chain.end(e));
  return client;
}

describe('a light client', () => {
  it('follows the ends of epochs through changes of the validators, with either suite', () => {
    for (const suite of [nobleSuite, nodeSuite]) {
      const client = startOf(suite);
      for (let epoch = 0; epoch < 3; epoch++) {
        expect(client.epoch).toBe(epoch);
        expect(client.validators).toEqual(chain.committees[epoch]?.set);
        const end = decodeEpochEnd(encodeEpochEnd(chain.end(epoch)));
        expect(end).toEqual(chain.end(epoch));
        client.advance(end);
        const height = (epoch + 1) * EPOCH_BLOCKS;
        expect(client.start).toEqual({ hash: chain.hashAt(height), header: chain.header(height) });
      }
    }
  });

  it('begins as well from the end of an epoch', () => {
    const checkpoint = { ...chain.checkpoint, hash: chain.hashAt(2 * EPOCH_BLOCKS) };
    const client = new LightClient(checkpoint, chain.header(2 * EPOCH_BLOCKS), B.set);
    expect(client.epoch).toBe(2);
    expect(client.advance(chain.end(2)).header.height).toBe(3 * EPOCH_BLOCKS);
  });

  it('verifies blocks, their ancestors, their records and values of their state', () => {
    const client = clientIn(2);
    const [first, second, third] = [9, 10, 11].map((height) => chain.header(height)) as [
      ReturnType<typeof chain.header>,
      ReturnType<typeof chain.header>,
      ReturnType<typeof chain.header>,
    ];
    const proof = { headers: [first, second, third], certificate: chain.certify(third) };
    expect(decodeFinalityProof(encodeFinalityProof(proof))).toEqual(proof);
    const block = client.verifyBlock(proof);
    expect(block).toEqual({ hash: chain.hashAt(9), header: first });
    expect(client.verifyBlock({ headers: [third], certificate: proof.certificate }).header).toBe(third);

    const record = proveRecord(RECORDS, 1, nobleSuite);
    client.verifyRecord(block, hashOf(2), record);
    expect(() => client.verifyRecord(block, hashOf(4), record)).toThrowError(failing('ERR_RECORD_PROOF'));
    const value = { key: 'pact', value: VALUE, siblings: [], other: null };
    client.verifyState(block, value);
    client.verifyState(client.start, value);
    expect(() => client.verifyState(block, { ...value, value: Uint8Array.of(9) })).toThrowError(
      failing('ERR_STATE_PROOF'),
    );
  });
});

describe('a light client refuses', () => {
  it('a checkpoint with another header, network, validators or place', () => {
    const { checkpoint } = chain;
    const open = (change: object, header = chain.header(0), set = A.set) =>
      expect(() => new LightClient({ ...checkpoint, ...change }, header, set));
    open({}, { ...chain.header(0), timeMs: 1 }).toThrowError(failing('ERR_LIGHT_CHECKPOINT'));
    open({ network: hashOf(3) }).toThrowError(failing('ERR_LIGHT_NETWORK'));
    open({}, chain.header(0), B.set).toThrowError(failing('ERR_LIGHT_VALIDATORS'));
    open({}, chain.header(0), []).toThrowError(failing('ERR_VALIDATOR_SET'));
    open({ hash: chain.hashAt(3) }, chain.header(3)).toThrowError(failing('ERR_LIGHT_CHECKPOINT'));
  });

  it('ends of epochs that are left out, stale, not the last block or of another network', () => {
    const client = clientIn(1);
    const end = chain.end(1);
    const refused = (code: string, change: object) =>
      expect(() => client.advance({ ...end, ...change })).toThrowError(failing(code));
    refused('ERR_LIGHT_STALE', chain.end(0));
    refused('ERR_LIGHT_EPOCH', chain.end(2));
    const early = chain.header(2 * EPOCH_BLOCKS - 1);
    refused('ERR_LIGHT_EPOCH', { header: early, certificate: chain.certify(early) });
    for (const height of [EPOCH_BLOCKS, 3 * EPOCH_BLOCKS]) {
      refused('ERR_LIGHT_EPOCH', { header: { ...end.header, height } });
    }
    refused('ERR_LIGHT_NETWORK', { header: { ...end.header, network: hashOf(3) } });
    expect(client.epoch).toBe(1);
    client.advance(end);
  });

  it('validators of another epoch, named or signing', () => {
    const client = clientIn(1);
    const end = chain.end(1);
    for (const nextValidators of [null, A.set, B.set.slice(1)]) {
      expect(() => client.advance({ ...end, nextValidators })).toThrowError(failing('ERR_LIGHT_VALIDATORS'));
    }
    const header = { ...end.header, validatorsHash: end.header.nextValidatorsHash };
    expect(() => client.advance({ ...end, header, certificate: chain.certify(header, [0, 1, 2], {}, 2) })).toThrowError(
      failing('ERR_LIGHT_VALIDATORS'),
    );
    expect(() => client.advance({ ...end, certificate: chain.certify(end.header, [0, 1, 2], {}, 2) })).toThrowError(
      failing('ERR_CERTIFICATE_SIGNATURE'),
    );
  });

  it('certificates of too few, of another kind, epoch or block', () => {
    const client = clientIn(1);
    const end = chain.end(1);
    const by = (...args: Parameters<TestChain['certify']> extends [unknown, ...infer Rest] ? Rest : never) =>
      expect(() => client.advance({ ...end, certificate: chain.certify(end.header, ...args) }));
    by([0, 3]).toThrowError(failing('ERR_CERTIFICATE_QUORUM'));
    by([0, 1, 2, 3], { kind: 'notarise' }).toThrowError(failing('ERR_LIGHT_CERTIFICATE'));
    by([0, 1, 2, 3], { epoch: 0 }).toThrowError(failing('ERR_LIGHT_CERTIFICATE'));
    by([0, 1, 2, 3], { block: chain.hashAt(7) }).toThrowError(failing('ERR_LIGHT_CERTIFICATE'));
    const { certificate } = end;
    const beyond = { ...certificate, signers: Uint8Array.of(0b10_0011) };
    expect(() => client.advance({ ...end, certificate: beyond })).toThrowError(failing('ERR_CERTIFICATE_BYTES'));
  });

  it('headers that are not linked, and proofs without any', () => {
    const client = clientIn(2);
    const certificate = chain.certify(chain.header(11));
    for (const heights of [[], [9, 11], [10, 9, 11], [11, 11]]) {
      const headers = heights.map((height) => chain.header(height));
      expect(() => client.verifyBlock({ headers, certificate })).toThrowError(failing('ERR_LIGHT_CHAIN'));
    }
    const forged = [{ ...chain.header(10), stateRoot: hashOf(6) }, chain.header(11)];
    expect(() => client.verifyBlock({ headers: forged, certificate })).toThrowError(failing('ERR_LIGHT_CHAIN'));
    const stale = { headers: [chain.header(8)], certificate: chain.certify(chain.header(8)) };
    expect(() => client.verifyBlock(stale)).toThrowError(failing('ERR_LIGHT_STALE'));
  });
});
