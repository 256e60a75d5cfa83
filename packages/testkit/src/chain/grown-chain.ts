import { type BuiltGenesis, ChainApplication, privateGenesis, type RecordSource } from '@blyan/chain';
import {
  assembleCertificate,
  type BlockOutline,
  ballotMessage,
  decodeRecord,
  encodeRecord,
  type HashedRecord,
  type QuorumCertificate,
  type RecordFields,
  signRecord,
} from '@blyan/chain-format';
import { fromHex, nodeSuite, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import type { KeyValueStore } from '@blyan/interface';

const FIRST_BLOCK_MS = 1_700_000_000_000;
const BLOCK_MS = 100;
const BALANCE = 10n ** 24n;

/** A key by its number: the same in every process. */
export function numberedSeed(kind: string, index: number): Uint8Array {
  return nodeSuite.sha256(new TextEncoder().encode(`${kind} ${index}`));
}

export interface GrownChainOptions {
  /** Secret seeds of the validators; all of them sign. */
  readonly validators: readonly Uint8Array[];
  /** Accounts of the genesis, which send each other transfers in turn. */
  readonly accounts: number;
}

/** The genesis of a chain that is grown. */
export function grownGenesis({ validators, accounts }: GrownChainOptions): BuiltGenesis {
  return privateGenesis({
    name: 'grown',
    salt: new Uint8Array(16),
    validators: validators.map((seed, i) => ({ name: `v${i}`, publicKey: toHex(publicKeyOf(seed)), weight: 1 })),
    accounts: Array.from({ length: accounts }, (_, i) => ({
      address: toHex(publicKeyOf(numberedSeed('account', i))),
      balance: String(BALANCE),
    })),
  });
}

/**
 * A chain that is made without a network: its blocks are built by the application and signed by its validators, so that any
 * node takes them. Quick, because nothing waits for a disk or for other nodes.
 */
export class GrownChain {
  readonly genesis: BuiltGenesis;
  readonly #application: ChainApplication;
  readonly #store: KeyValueStore;
  readonly #pending: { records: HashedRecord[] };
  readonly #signers: readonly { readonly seed: Uint8Array; readonly publicKey: string }[];
  readonly #accounts: readonly { readonly seed: Uint8Array; readonly publicKey: string }[];
  #sent: number;

  /** Goes on where the store's chain ends. */
  static async open(store: KeyValueStore, options: GrownChainOptions): Promise<GrownChain> {
    const genesis = grownGenesis(options);
    const pending = { records: [] as HashedRecord[] };
    const source: RecordSource = {
      hasReady: true,
      get: () => undefined,
      candidates: () => pending.records,
      park: (_, code) => {
        throw new TypeError(`a record of the grown chain was refused: ${code}`);
      },
    };
    const application = await ChainApplication.open({ genesis }, { store, records: source, suite: nodeSuite });
    return new GrownChain(store, genesis, application, pending, options);
  }

  private constructor(
    store: KeyValueStore,
    genesis: BuiltGenesis,
    application: ChainApplication,
    pending: { records: HashedRecord[] },
    { validators, accounts }: GrownChainOptions,
  ) {
    this.#store = store;
    this.genesis = genesis;
    this.#application = application;
    this.#pending = pending;
    const keyOf = (seed: Uint8Array) => ({ seed, publicKey: toHex(publicKeyOf(seed)) });
    this.#signers = validators.map(keyOf).sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
    this.#accounts = Array.from({ length: accounts }, (_, i) => keyOf(numberedSeed('account', i)));
    const sent = this.#accounts.map(({ publicKey }) => application.account(publicKey).nonce);
    this.#sent = sent.reduce((sum, nonce) => sum + nonce, 0);
  }

  get head(): BlockOutline {
    return this.#application.head;
  }

  /** Makes blocks of so many transfers, each final by a certificate of its own; not synced. */
  async grow(blocks: number, recordsPerBlock: number): Promise<void> {
    for (let n = 0; n < blocks; n++) {
      const { head, rules } = this.#application;
      const { height } = head.header;
      this.#pending.records = Array.from({ length: recordsPerBlock }, () => this.#transfer());
      const block = this.#application.build({
        parent: head.hash,
        view: height === rules.start.header.height ? 1 : head.header.view + 1,
        proposer: 0,
        nowMs: FIRST_BLOCK_MS + height * BLOCK_MS,
      });
      await this.#store.write(this.#application.commit(block.hash, this.certify(block)), { sync: false });
    }
  }

  /** Votes of the first so many validators, all of them unless it is said. */
  certify({ hash, header }: BlockOutline, signers = this.#signers.length): QuorumCertificate {
    const ballot = { kind: 'finalise', epoch: header.epoch, view: header.view, block: hash } as const;
    const message = ballotMessage(this.genesis.hash, ballot);
    const votes = this.#signers
      .slice(0, signers)
      .map(({ seed }, validator) => ({ ...ballot, validator, signature: signEd25519(message, seed) }));
    return assembleCertificate(ballot, votes);
  }

  /** The accounts take turns, so that the nonces of each follow. */
  #transfer(): HashedRecord {
    const count = this.#accounts.length;
    const [from, to] = [this.#sent % count, (this.#sent * 7 + 1) % count];
    const { seed, publicKey: author } = this.#accounts[from] as { seed: Uint8Array; publicKey: string };
    const fields: RecordFields = {
      ...{ network: this.genesis.hash, lane: 'C', type: 'transfer', version: 1, author, fee: 0n, dependsOn: [] },
      nonce: Math.floor(this.#sent++ / count),
      body: { to: fromHex(this.#accounts[to]?.publicKey as string, 32), amount: 1 },
    };
    return decodeRecord(encodeRecord(signRecord(fields, (message) => signEd25519(message, seed))), nodeSuite);
  }
}
