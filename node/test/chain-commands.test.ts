import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { startGateway } from '../../gateway/test/harness.ts';
import { KEY, NETWORK, ScriptedChain } from '../../gateway/test/scripted-chain.ts';
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

test('keys create makes a key for an account, and keys address tells it', async () => {
  await using dir = await temporaryDirectory();
  const file = join(dir.path, 'my.key');
  const made = await cli(['keys', 'create', file]);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
  expect(await cli(['keys', 'address', file])).toMatchObject({ code: 0, stdout: made.stdout });
  expect((await cli(['keys', 'create', file])).code).toBe(1);
  expect((await cli(['keys', 'address', join(dir.path, 'absent')])).code).toBe(1);
});
