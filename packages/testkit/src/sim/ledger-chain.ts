import {
  type BuiltGenesis,
  ChainApplication,
  Mempool,
  PooledApplication,
  privateGenesis,
  RECORD_TYPES,
  type RecordRegistry,
  recordType,
  VALIDATORS_KEY,
} from '@blyan/chain';
import {
  type CryptoSuite,
  decodeRecord,
  encodeRecord,
  hashRecord,
  type RecordFields,
  signRecord,
  type ValidatorSet,
  verifyRecord,
} from '@blyan/chain-format';
import { fromHex, publicKeyOf, sha256, signEd25519, toHex } from '@blyan/crypto';
import type { Hash, NetworkId } from '@blyan/interface';
import { MemoryStore } from '@blyan/store';
import { z } from 'zod';
import { LedgerApplication } from './ledger-application.ts';
import { LedgerReference } from './ledger-reference.ts';
import type { Reference, SimApplication, SimChain } from './sim-application.ts';
import type { World } from './world.ts';

const MAX_BUILT_RECORDS = 20;
const BALANCE = '1000000000';
/** Shares of what is put on the chain: records that exclude each other, new validators, nodes that register. */
const CONFLICTS = 0.15;
const NEW_VALIDATORS = 0.15;
const REGISTRATIONS = 0.2;

const NO_POOL = { hasReady: false, get: () => undefined, candidates: () => [], park: () => undefined };

const authors = Array.from({ length: 4 }, (_, i) => {
  const seed = sha256(new TextEncoder().encode(`simulated author ${i}`));
  return { seed, publicKey: toHex(publicKeyOf(seed)) };
});

/** Whoever signs it changes the validators: what governance will do, so that sets change by what is final. */
const validatorsRecord = recordType({
  lane: 'A',
  name: 'validators',
  version: 1,
  body: z.strictObject({ validators: z.array(z.tuple([z.instanceof(Uint8Array), z.int().positive()])).min(1) }),
  spends: () => 0n,
  leastFee: () => 0n,
  check: () => null,
  apply: (state, _, { validators }) => state.put(VALIDATORS_KEY, validators),
});

export interface LedgerChainOptions {
  readonly epochBlocks: number;
  /** The sets that records make validators of, one after the other; the first is the genesis'. */
  readonly validatorsOf: (nth: number) => ValidatorSet;
  readonly suite: CryptoSuite;
}

/** Nodes run the real application: accounts, signed records with nonces, mempool, state tree, sets that the state names. */
export class LedgerChain implements SimChain {
  readonly network: NetworkId;
  readonly founding: SimChain['founding'];
  readonly reference: Reference;
  readonly #options: LedgerChainOptions;
  readonly #genesis: BuiltGenesis;
  readonly #registry: RecordRegistry;
  readonly #nonces = new Map<string, number>();
  #sets = 0;

  static async create(options: LedgerChainOptions): Promise<LedgerChain> {
    const validators = options.validatorsOf(0).map((validator, i) => ({ name: `node ${i}`, ...validator }));
    const accounts = authors.map(({ publicKey }) => ({ address: publicKey, balance: BALANCE }));
    const genesis = privateGenesis({ name: 'simulation', salt: new Uint8Array(16), validators, accounts });
    const registry = RECORD_TYPES.with(validatorsRecord);
    const { epochBlocks, suite } = options;
    const store = new MemoryStore();
    const application = await ChainApplication.open(
      { genesis, epochBlocks },
      { store, records: NO_POOL, suite, registry },
    );
    const founding: (readonly [string, Uint8Array])[] = [];
    for await (const entry of store.entries({ from: '', to: '\x7f' })) founding.push(entry);
    return new LedgerChain(options, genesis, registry, founding, new LedgerReference(application, store));
  }

  private constructor(
    options: LedgerChainOptions,
    genesis: BuiltGenesis,
    registry: RecordRegistry,
    founding: SimChain['founding'],
    reference: Reference,
  ) {
    this.network = genesis.hash;
    this.founding = founding;
    this.reference = reference;
    this.#options = options;
    this.#genesis = genesis;
    this.#registry = registry;
  }

  async open(store: MemoryStore): Promise<SimApplication> {
    const { epochBlocks, suite } = this.#options;
    const genesis = this.#genesis;
    let application: ChainApplication | null = null;
    const opened = () => application as ChainApplication;
    const mempool = new Mempool(
      { network: genesis.hash },
      {
        clock: { nowMs: () => 0 },
        head: {
          account: (publicKey) => opened().account(publicKey),
          cost: (record) => opened().cost(record),
          refusal: (record) => opened().refusal(record),
        },
        decode: (bytes) => decodeRecord(bytes, suite),
        verify: (record) => verifyRecord(record, genesis.hash, suite),
      },
    );
    application = await ChainApplication.open(
      { genesis, epochBlocks, maxBuiltRecords: MAX_BUILT_RECORDS },
      { store, records: mempool, suite, registry: this.#registry },
    );
    return new LedgerApplication(new PooledApplication(application, mempool), mempool, store, suite);
  }

  hashOf(record: Uint8Array): Hash {
    return hashRecord(record, this.#options.suite);
  }

  nextRecords(world: World): readonly Uint8Array[] {
    const author = world.pick(authors);
    const nonce = this.#nonces.get(author.publicKey) ?? 0;
    this.#nonces.set(author.publicKey, nonce + 1);
    const copies = world.chance() < CONFLICTS ? 2 : 1;
    return Array.from({ length: copies }, () => this.#sign(author, nonce, world.between(0, 20), this.#content(world)));
  }

  #content(world: World): Pick<RecordFields, 'lane' | 'type' | 'body'> {
    const kind = world.chance();
    if (kind < NEW_VALIDATORS) {
      const set = this.#options.validatorsOf(++this.#sets);
      const validators = set.map(({ publicKey, weight }) => [fromHex(publicKey, 32), weight]);
      return { lane: 'A', type: 'validators', body: { validators } };
    }
    if (kind < NEW_VALIDATORS + REGISTRATIONS) {
      const claims = {
        tier: world.between(0, 9),
        profile: 'simulated',
        memoryBytes: world.between(0, 1e9),
        addresses: [],
      };
      return { lane: 'A', type: 'node', body: { claims } };
    }
    const to = fromHex(world.pick(authors).publicKey, 32);
    return { lane: 'C', type: 'transfer', body: { to, amount: BigInt(world.between(1, 1_000)) } };
  }

  #sign(
    author: (typeof authors)[number],
    nonce: number,
    fee: number,
    content: Pick<RecordFields, 'lane' | 'type' | 'body'>,
  ) {
    const fields: RecordFields = {
      ...{
        network: this.network,
        version: 1,
        author: author.publicKey,
        nonce,
        fee: BigInt(fee),
        dependsOn: [],
        ...content,
      },
    };
    return encodeRecord(signRecord(fields, (message) => signEd25519(message, author.seed)));
  }
}
