import { join } from 'node:path';
import {
  BlockRepository,
  type BuiltGenesis,
  ChainApplication,
  type ChainNetwork,
  ChainService,
  ChainUpkeep,
  Replica,
  realClock,
  SnapshotShelf,
} from '@blyan/chain';
import { encodeRecord, signRecord } from '@blyan/chain-format';
import { fromHex, nodeSuite, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import { silentLogger } from '@blyan/interface';
import { EPOCH_BLOCKS } from '@blyan/params';
import { FileBlobs, LevelStore } from '@blyan/store';
import { numberedSeed } from '@blyan/testkit';

const RECEIVER = '09'.repeat(32);

export interface SoloChainOptions {
  readonly dir: string;
  readonly genesis: BuiltGenesis;
  /** Secret seed of the only validator. */
  readonly validator: Uint8Array;
  /** Founding accounts, as `grownGenesis` numbers them. */
  readonly accounts: number;
  readonly keepEpochs: number;
}

/** Nobody else is there. */
const ALONE: ChainNetwork = {
  start: async () => undefined,
  stop: async () => undefined,
  peers: () => [],
  send: () => undefined,
  publishRecord: () => undefined,
  publishBlock: () => undefined,
  outline: async () => null,
  records: async () => [],
  finalBlocks: async () => [],
  reach: async () => null,
  pool: async () => [],
  manifest: async () => null,
  chunk: async () => null,
  epochEnds: async () => [],
  penalize: () => undefined,
};

/** A validator by itself with all that a node runs for its chain, fed with transfers. */
export class SoloChain {
  readonly #service: ChainService;
  readonly #upkeep: ChainUpkeep;
  readonly #store: LevelStore;
  readonly #authors: readonly { readonly seed: Uint8Array; readonly address: string }[];
  readonly #network: string;
  #sent = 0;

  static async start({ dir, genesis, validator, accounts, keepEpochs }: SoloChainOptions): Promise<SoloChain> {
    const store = await LevelStore.open({ dir: join(dir, 'chain') });
    const repository = new BlockRepository(store, nodeSuite);
    const shared = { store, suite: nodeSuite, logger: silentLogger };
    const blobs = new FileBlobs(join(dir, 'snapshots'));
    const shelf = new SnapshotShelf({ network: genesis.hash, epochBlocks: EPOCH_BLOCKS }, { ...shared, blobs });
    const signer = {
      publicKey: toHex(publicKeyOf(validator)),
      sign: (message: Uint8Array) => signEd25519(message, validator),
    };
    const service = new ChainService(
      { genesis, signer },
      {
        ...{ ...shared, network: ALONE, snapshots: shelf },
        openApplication: (records) => ChainApplication.open({ genesis }, { store, records, suite: nodeSuite }),
        createReplica: (application, network, source, events) =>
          new Replica(
            { network: genesis.hash, signer, blockIntervalMs: 0 },
            {
              ...{ ...shared, application, network, source, clock: realClock },
              storedOutline: (hash) => repository.unfinalised(hash) ?? undefined,
            },
            events,
          ),
      },
    );
    const upkeep = new ChainUpkeep({ epochBlocks: EPOCH_BLOCKS, snapshotEpochs: 1, keepEpochs }, { ...shared, shelf });
    await service.start();
    upkeep.start(service);
    return new SoloChain(service, upkeep, store, genesis.hash, accounts);
  }

  private constructor(
    service: ChainService,
    upkeep: ChainUpkeep,
    store: LevelStore,
    network: string,
    accounts: number,
  ) {
    this.#service = service;
    this.#upkeep = upkeep;
    this.#store = store;
    this.#network = network;
    this.#authors = Array.from({ length: accounts }, (_, i) => {
      const seed = numberedSeed('account', i);
      return { seed, address: toHex(publicKeyOf(seed)) };
    });
  }

  get height(): number {
    return this.#service.head().height;
  }

  /** Hands in so many records at a time, and more when none waits, until the height is there. */
  async reach(height: number, records: number, signal: AbortSignal): Promise<void> {
    while (this.height < height) {
      signal.throwIfAborted();
      for (let i = 0; i < records; i++) await this.#service.submit(this.#transfer());
      await this.#drained(signal);
    }
  }

  #drained(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = () => reject(signal.reason);
      const unlisten = this.#service.onHead(({ pending }) => {
        if (pending > 0) return;
        unlisten();
        signal.removeEventListener('abort', failed);
        resolve();
      });
      signal.addEventListener('abort', failed, { once: true });
    });
  }

  async stop(): Promise<void> {
    await this.#upkeep.stop();
    await this.#service.stop();
    await this.#store.close();
  }

  #transfer(): Uint8Array {
    const count = this.#authors.length;
    const { seed, address: author } = this.#authors[this.#sent % count] as { seed: Uint8Array; address: string };
    const record = signRecord(
      {
        ...{ network: this.#network, lane: 'C', type: 'transfer', version: 1, author, fee: 0n, dependsOn: [] },
        nonce: Math.floor(this.#sent++ / count),
        body: { to: fromHex(RECEIVER, 32), amount: 1 },
      },
      (message) => signEd25519(message, seed),
    );
    return encodeRecord(record);
  }
}
