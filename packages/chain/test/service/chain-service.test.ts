import { encodeRecord, signRecord } from '@blyan/chain-format';
import { generateKeyPair, nodeSuite, signEd25519, toHex } from '@blyan/crypto';
import { silentLogger } from '@blyan/interface';
import { MemoryStore } from '@blyan/store';
import { expect, test } from 'vitest';
import {
  ChainApplication,
  type ChainHandlers,
  type ChainNetwork,
  ChainService,
  privateGenesis,
  Replica,
  realClock,
} from '../../src/index.ts';

/** Nobody else is there. */
const ALONE: ChainNetwork = {
  ...{ start: async (_: ChainHandlers) => undefined, stop: async () => undefined, penalize: () => undefined },
  ...{ publishRecord: () => undefined, publishBlock: () => undefined, send: () => undefined },
  ...{ reach: async () => null, pool: async () => [], outline: async () => null, records: async () => [] },
  ...{ finalBlocks: async () => [], manifest: async () => null, chunk: async () => null, epochEnds: async () => [] },
} as unknown as ChainNetwork;

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

function open(store: MemoryStore): ChainService {
  const deltaMs = 500;
  return new ChainService(
    { genesis, signer },
    {
      ...{ store, network: ALONE, logger: silentLogger, suite: nodeSuite },
      openApplication: (records) => ChainApplication.open({ genesis }, { store, records, suite: nodeSuite }),
      createReplica: (application, network, source, events) =>
        new Replica(
          { network: genesis.hash, signer, deltaMs, blockIntervalMs: 0 },
          {
            ...{ application, store, network, source, clock: realClock, suite: nodeSuite, logger: silentLogger },
            storedOutline: () => undefined,
          },
          events,
        ),
    },
  );
}

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

  disk.resolve();
  await final;
  expect(service.head().height).toBe(1);
  expect(await service.block(1)).toMatchObject({ hash: service.head().hash });
  expect(await service.record(hash)).toMatchObject({ place: { height: 1, index: 0 } });
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
  await service.submit(transfer);
  await new Promise((resolve) => setImmediate(resolve));
  expect(service.failure).toMatchObject({ code: 'ERR_CHAIN_HALTED', meta: { reason: 'ERR_STORE_DISK_FULL' } });
  expect(() => service.head()).toThrow('ERR_STORE_DISK_FULL');
  await expect(service.submit(transfer)).rejects.toMatchObject({ code: 'ERR_CHAIN_HALTED' });
  expect(heads).toBe(0);
  await service.stop();
});
