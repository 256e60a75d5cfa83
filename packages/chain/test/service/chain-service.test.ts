import { encodeRecord, signRecord } from '@blyan/chain-format';
import { generateKeyPair, sha256, signEd25519, toHex } from '@blyan/crypto';
import { MemoryStore } from '@blyan/store';
import { BadRecords, loneChain } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { privateGenesis } from '../../src/index.ts';

const validator = generateKeyPair();
const signer = {
  publicKey: toHex(validator.publicKey),
  sign: (message: Uint8Array) => signEd25519(message, validator.secretSeed),
};
const genesis = privateGenesis({
  ...{ name: 'test', salt: validator.publicKey },
  validators: [{ name: 'v', publicKey: signer.publicKey, weight: 1 }],
  accounts: [{ address: signer.publicKey, balance: '1000' }],
});

const open = (store: MemoryStore) => loneChain(genesis, validator.secretSeed, store);

const transfer = encodeRecord(
  signRecord(
    {
      ...{ network: genesis.hash, lane: 'C', type: 'transfer', version: 1, author: signer.publicKey, nonce: 0 },
      ...{ fee: 0n, dependsOn: [], body: { to: new Uint8Array(32).fill(9), amount: 1 } },
    },
    signer.sign,
  ),
);

test('what a lone validator tells of its chain is on disk, though consensus goes ahead of the disk', async () => {
  let disk: PromiseWithResolvers<void> | null = null;
  const store = new MemoryStore({ disk: async () => disk?.promise });
  const service = open(store);
  await service.start();
  disk = Promise.withResolvers();
  const final = new Promise((resolve) => service.onHead(resolve));
  const hash = await service.submit(transfer);
  await new Promise((resolve) => setImmediate(resolve));
  expect(service.value(`account/${'09'.repeat(32)}`)).toBeDefined();
  expect(service.head().height).toBe(0);
  expect(await service.block(1)).toBeNull();
  expect(await service.blocks(10, 10)).toHaveLength(1);
  expect(await service.record(hash)).toMatchObject({ place: null });
  expect(await service.recordsOf(signer.publicKey, null, 10)).toEqual([]);

  disk.resolve();
  await final;
  expect(service.head().height).toBe(1);
  expect(await service.block(1)).toMatchObject({ hash: service.head().hash });
  expect(await service.record(hash)).toMatchObject({ place: { height: 1, index: 0 } });
  const place = { height: 1, index: 0, blockHash: service.head().hash };
  expect(await service.recordsOf(signer.publicKey, null, 10)).toEqual([{ hash, place }]);
  expect(await service.recordsOf(signer.publicKey, place, 10)).toEqual([]);
  expect(toHex(sha256(service.genesis))).toBe(genesis.hash);
  await service.stop();
});

test('a full disk halts the chain with its reason: nothing is taken, told or final after that', async () => {
  let full = false;
  const store = new MemoryStore({
    disk: async () => {
      if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    },
  });
  const service = open(store);
  await service.start();
  full = true;
  let heads = 0;
  service.onHead(() => heads++);
  let failures = 0;
  service.onFailure(() => failures++);
  await service.submit(transfer);
  await new Promise((resolve) => setImmediate(resolve));
  expect(service.failure).toMatchObject({ code: 'ERR_CHAIN_HALTED', meta: { reason: 'ERR_STORE_DISK_FULL' } });
  expect(() => service.head()).toThrow('ERR_STORE_DISK_FULL');
  await expect(service.submit(transfer)).rejects.toMatchObject({ code: 'ERR_CHAIN_HALTED' });
  expect([heads, failures]).toEqual([0, 1]);
  await service.stop();
});

test('a record of each bad kind is refused with its code, and the chain goes on', async () => {
  const service = open(new MemoryStore());
  await service.start();
  const records = new BadRecords(genesis.hash, generateKeyPair().secretSeed);
  const isFinal = new Promise((resolve) => service.onHead(resolve));
  await service.submit(records.first);
  await isFinal;
  const waits = await service.submit(records.waiting);
  for (const { what, bytes, code } of records.all) {
    // What waits already is no error for one who hands it in again.
    if (code === 'ERR_MEMPOOL_KNOWN') expect(await service.submit(bytes)).toBe(waits);
    else await expect(service.submit(bytes), what).rejects.toMatchObject({ code, kind: 'caller' });
  }
  expect(service.head()).toMatchObject({ height: 1, pending: 1 });
  const goesOn = new Promise((resolve) => service.onHead(resolve));
  await service.submit(records.node(1, 'after'));
  await goesOn;
  expect(service.head()).toMatchObject({ height: 2, pending: 0 });
  await service.stop();
});
