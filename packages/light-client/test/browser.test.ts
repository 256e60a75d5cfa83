import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  encodeHeader,
  encodeRecordProof,
  encodeStateProof,
  encodeValidatorSet,
  nobleSuite,
  proveRecord,
  stateLeafHash,
  statePath,
} from '@blyan/chain-format';
import { toHex } from '@blyan/crypto';
import { expect, it } from 'vitest';
import { encodeEpochEnd, encodeFinalityProof } from '../src/index.ts';
import { committee, hashOf, TestChain } from './test-chain.ts';

const run = promisify(execFile);
const at = (path: string) => new URL(path, import.meta.url);

it('client and formats need nothing of Node: no module of its own, no Buffer, no process', async () => {
  const [A, B] = [committee(1), committee(11)];
  const value = new Uint8Array(40).fill(200);
  const stateRoot = toHex(stateLeafHash(statePath('ü', nobleSuite), nobleSuite.sha256(value), nobleSuite));
  const records = [hashOf(1), hashOf(2), hashOf(3)];
  const chain = new TestChain([A, B, B], stateRoot, records);
  const block = { headers: [chain.header(5), chain.header(6)], certificate: chain.certify(chain.header(6)) };
  const told = {
    header: toHex(encodeHeader(chain.header(0))),
    validators: toHex(encodeValidatorSet(A.set)),
    end: toHex(encodeEpochEnd(chain.end(0))),
    block: toHex(encodeFinalityProof(block)),
    record: toHex(encodeRecordProof(proveRecord(records, 2, nobleSuite))),
    state: toHex(encodeStateProof({ key: 'ü', value, siblings: [], other: null })),
  };
  const source = `
    import * as format from '@blyan/chain-format';
    import * as light from '@blyan/light-client';
    if (typeof Buffer !== 'undefined' || typeof process !== 'undefined') throw new Error('this is Node');
    const told = ${JSON.stringify(told)};
    const bytes = (name) => Uint8Array.from(told[name].match(/../g), (digits) => Number.parseInt(digits, 16));
    const [header, set] = [format.decodeHeader(bytes('header')), format.decodeValidatorSet(bytes('validators'))];
    const client = new light.LightClient(${JSON.stringify(chain.checkpoint)}, header, set);
    client.advance(light.decodeEpochEnd(bytes('end')));
    const block = client.verifyBlock(light.decodeFinalityProof(bytes('block')));
    client.verifyRecord(block, '${hashOf(3)}', format.decodeRecordProof(bytes('record')));
    client.verifyState(block, format.decodeStateProof(bytes('state')));
    const fields = { network: '${hashOf(1)}', lane: 'C', type: 'transfer', version: 1, author: '${hashOf(2)}', nonce: 0,
      fee: 2n ** 100n, dependsOn: [], body: { amount: 10n ** 30n } };
    const made = format.encodeRecord(format.signRecord(fields, () => new Uint8Array(64)));
    const { record } = format.decodeRecord(made, format.nobleSuite);
    if (record.fee !== fields.fee || record.body.amount !== fields.body.amount) throw new Error('another record');
    console.log(client.epoch, block.header.height);
  `;
  const args = ['--import', at('without-node.mjs').href, '--input-type=module', '--eval', source];
  const { stdout } = await run(process.execPath, args, { cwd: fileURLToPath(at('.')) });
  expect(stdout).toBe('1 5\n');
});
