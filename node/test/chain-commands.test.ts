import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeRecord, encodeCertificate, nobleSuite, verifyRecord } from '@blyan/chain-format';
import { fromHex } from '@blyan/crypto';
import { MemoryStore } from '@blyan/store';
import { GrownChain, loneChain, numberedSeed, temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startGateway } from '../../gateway/test/harness.ts';
import { ADDRESS, KEY, NETWORK, ScriptedChain } from '../../gateway/test/scripted-chain.ts';
import { cli } from './test-context.ts';

async function start() {
  const chain = new ScriptedChain();
  const { url } = await startGateway({}, { chain });
  const run = (...args: string[]) => cli([...args, '--gateway', url]);
  return { chain, run };
}

test('chain head and status say where the chain is, and whether it moves', async () => {
  const { chain, run } = await start();
  chain.append([]);
  const head = await run('chain', 'head');
  expect(head.stdout).toContain(`network    ${NETWORK}`);
  expect(head.stdout).toMatch(/^height {5}1$/m);
  expect(head.stdout).toMatch(/4 validators, this node is one/);
  expect(head.stdout).toMatch(/quiet: no record waits/);
  expect(JSON.parse((await run('chain', 'head', '--json')).stdout)).toEqual(chain.head());

  expect(head.stdout).not.toContain('evidence');
  chain.evidence = [{ epoch: 2, view: 7, validator: 3, proof: 'ab' }];
  expect((await run('chain', 'head')).stdout).toMatch(/^evidence {3}validator 3 of epoch 2 cheated in view 7/m);

  chain.stands = true;
  await chain.submit(new Uint8Array([1]));
  expect((await run('status')).stdout).toMatch(/^chain +height 1, .*moves: 1 record waits, 0\.0 s without a block$/m);
  expect(JSON.parse((await run('status', '--json')).stdout)).toMatchObject({ chain: { height: 1, pending: 1 } });
});

test('chain block shows the head, a height or a hash', async () => {
  const { chain, run } = await start();
  const { hash } = chain.append(['e'.repeat(64)]);
  const shown = await run('chain', 'block');
  expect(shown.stdout).toContain(`hash       ${hash}`);
  expect(shown.stdout).toContain(`  ${'e'.repeat(64)}`);
  expect((await run('chain', 'block', '1')).stdout).toBe(shown.stdout);
  expect(JSON.parse((await run('chain', 'block', hash, '--json')).stdout)).toMatchObject({ height: 1 });
  expect(await run('chain', 'block', '9')).toMatchObject({ code: 1, stderr: expect.stringContaining('block 9') });
});

test('chain proof checks what it shows, and absence too', async () => {
  const { chain, run } = await start();
  expect((await run('chain', 'proof', KEY)).stdout).toMatch(/leads to the state root/);
  expect((await run('chain', 'proof', 'account/none')).stdout).toMatch(/^value +none/m);
  expect(JSON.parse((await run('chain', 'proof', KEY, '--json')).stdout)).toMatchObject({ key: KEY, proof: {} });
  chain.lies = true;
  expect(await run('chain', 'proof', KEY)).toMatchObject({ code: 1, stderr: expect.stringContaining('not proven') });
});

test('chain proof follows the validators from the genesis on, and believes nobody else', async () => {
  const validators = Array.from({ length: 4 }, (_, i) => numberedSeed('validator', i));
  const store = new MemoryStore();
  const grown = await GrownChain.open(store, { validators, accounts: 4 });
  const { epochBlocks } = grown.genesis.genesis.protocol.chain;
  await grown.grow(epochBlocks + 3, 1);
  const chain = loneChain(grown.genesis, numberedSeed('nobody', 0), store);
  await chain.start();
  onTestFinished(() => chain.stop());
  const { url } = await startGateway({}, { chain });
  await using dir = await temporaryDirectory();
  const prove = (...args: string[]) =>
    cli(['chain', 'proof', 'validators', '--gateway', url, ...args], { cwd: dir.path });
  const here = ['--data-dir', dir.path];
  expect((await prove(...here)).stdout).toMatch(/^final +NOT checked: no genesis of network [0-9a-f]{64}/m);

  await writeFile(join(dir.path, 'genesis.cbor'), grown.genesis.bytes);
  expect(await prove(...here)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^final +signed by the/m) });
  expect(JSON.parse((await prove(...here, '--json')).stdout)).toMatchObject({ provenFinal: true });

  // The same state with the certificate of too few.
  const proof = chain.proof.bind(chain);
  vi.spyOn(chain, 'proof').mockImplementation(async (key) => {
    const found = await proof(key);
    return { ...found, block: { ...found.block, certificate: encodeCertificate(grown.certify(grown.head, 2)) } };
  });
  const few = await prove(...here);
  expect(few).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_CERTIFICATE_QUORUM') });
  vi.spyOn(chain, 'epochEnds').mockReturnValue([]);
  expect(await prove(...here)).toMatchObject({ code: 1, stderr: expect.stringContaining('epoch 0 is missing') });
});

test('keys create makes a key for an account, and keys address tells it', async () => {
  await using dir = await temporaryDirectory();
  const file = join(dir.path, 'my.key');
  const made = await cli(['keys', 'create', file]);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
  expect(await cli(['keys', 'address', file])).toMatchObject({ code: 0, stdout: made.stdout });
  expect((await cli(['keys', 'create', file])).code).toBe(1);
  expect((await cli(['keys', 'address', join(dir.path, 'absent')])).code).toBe(1);
});

test('tx send signs with a key file, behind what waits, and waits until the record is final', async () => {
  const { chain, run } = await start();
  await using dir = await temporaryDirectory();
  const key = join(dir.path, 'my.key');
  const address = (await cli(['keys', 'create', key])).stdout.trim();
  const send = (...args: string[]) => run('tx', 'send', ...args, '--key', key);
  const sent = await send('transfer', ADDRESS, '1.5', '--fee', '0.01', '--wait', '--json');
  expect(sent).toMatchObject({ code: 0, stderr: '' });
  const { hash, ...rest } = JSON.parse(sent.stdout);
  expect(rest).toEqual({ author: address, height: 1 });
  const bytes = (await chain.record(hash))?.bytes as Uint8Array;
  const record = decodeRecord(bytes, nobleSuite);
  expect(() => verifyRecord(record, NETWORK, nobleSuite)).not.toThrow();
  const fields = { lane: 'C', type: 'transfer', author: address, nonce: 0, fee: 10n ** 16n };
  expect(record.record).toMatchObject({ ...fields, body: { to: fromHex(ADDRESS), amount: 15n * 10n ** 17n } });
  expect((await run('tx', 'show', hash)).stdout).toContain('block 1, record 0');

  chain.stands = true;
  const waiting = await send('node', '--name', 'mine');
  expect(waiting).toMatchObject({ code: 0, stderr: expect.stringContaining('waits for a block') });
  expect((await run('tx', 'show', waiting.stdout.trim())).stdout).toContain('waits for a block');
});

test('tx send says what is wrong before it sends anything', async () => {
  const { chain, run } = await start();
  for (const args of [
    ['transfer', 'me', '1'],
    ['transfer', ADDRESS, '0'],
    ['transfer', ADDRESS, '1e3'],
    ['expert', 'tiny', '0', '1'],
    ['expert', 'tiny', '0', '1', '--root', 'ab'.repeat(32)],
  ]) {
    expect((await run('tx', 'send', ...args)).code, args.join(' ')).toBe(2);
  }
  await using dir = await temporaryDirectory();
  const keyless = await run('tx', 'send', 'transfer', ADDRESS, '1', '--data-dir', dir.path);
  expect(keyless).toMatchObject({ code: 1, stderr: expect.stringContaining('keys create') });
  expect(chain.head().height).toBe(0);
});
