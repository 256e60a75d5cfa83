import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeGenesis, privateGenesis } from '@blyan/chain';
import { type CanonicalValue, encodeCanonical } from '@blyan/codec';
import { sha256, toHex } from '@blyan/crypto';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { ensurePrivateGenesis } from '../src/data-dir/genesis-file.ts';
import { cli } from './test-context.ts';

test('genesis build gives the same bytes and id each time, and verify accepts them', async () => {
  await using dir = await temporaryDirectory();
  const out = join(dir.path, 'genesis.cbor');
  const built = await cli(['genesis', 'build', '--out', out, '--json']);
  expect(built.code).toBe(0);
  const { networkId } = JSON.parse(built.stdout);
  expect((await cli(['genesis', 'build'])).stdout).toBe(`${networkId}\n`);
  expect((await cli(['genesis', 'verify', out, '--network-id', networkId])).stdout).toContain(networkId);
  expect(JSON.parse((await cli(['genesis', 'verify', '--json'])).stdout)).toMatchObject({
    networkId,
    access: 'public',
  });

  expect((await cli(['genesis', 'verify', out, '--network-id', 'f'.repeat(64)])).code).toBe(1);
  expect((await cli(['genesis', 'verify', out, '--network-id', 'xyz'])).code).toBe(2);
  const bytes = await readFile(out);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  await writeFile(out, bytes);
  expect((await cli(['genesis', 'verify', out, '--network-id', networkId])).code).toBe(1);
  expect((await cli(['genesis', 'verify', join(dir.path, 'absent')])).code).toBe(1);
});

test('a private genesis is made once per folder and differs between folders', async () => {
  await using dir = await temporaryDirectory();
  const first = await ensurePrivateGenesis(join(dir.path, 'a.cbor'), 'devnet', []);
  expect(await ensurePrivateGenesis(join(dir.path, 'a.cbor'), 'devnet', [])).toEqual(first);
  expect(await ensurePrivateGenesis(join(dir.path, 'b.cbor'), 'devnet', [])).not.toEqual(first);
  expect(decodeGenesis(first)).toMatchObject({ access: 'private', name: 'devnet' });
  await writeFile(join(dir.path, 'c.cbor'), 'damaged');
  await expect(ensurePrivateGenesis(join(dir.path, 'c.cbor'), 'devnet', [])).rejects.toMatchObject({
    code: 'ERR_CHAIN_GENESIS_BYTES',
  });
});

test('a genesis of other rules is refused with both networks named, and what to do', async () => {
  await using dir = await temporaryDirectory();
  const path = join(dir.path, 'genesis.cbor');
  const { genesis, hash } = privateGenesis({ name: 'old', salt: new Uint8Array(32) });
  const { records: _, ...older } = genesis.protocol;
  const { bytes, networkId } = hashed({ ...genesis, protocol: older });
  await writeFile(path, bytes);
  const refusal = expect.objectContaining({
    code: 'ERR_NODE_OLD_GENESIS',
    message: expect.stringContaining(networkId),
  });
  await expect(ensurePrivateGenesis(path, 'devnet', [])).rejects.toEqual(refusal);
  await expect(ensurePrivateGenesis(path, 'devnet', [])).rejects.toThrow(hash);
});

function hashed(value: object) {
  const bytes = encodeCanonical(value as CanonicalValue);
  return { bytes, networkId: toHex(sha256(bytes)) };
}
