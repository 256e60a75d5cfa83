import { join } from 'node:path';
import { type BuiltGenesis, privateGenesis } from '@blyan/chain';
import { encodeRecord, type RecordFields, signRecord } from '@blyan/chain-format';
import { generateKeyPair, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import { Link, peerIdOf } from '@blyan/p2p';
import type { ValidatorSetup } from './validator-messages.ts';
import { ValidatorProcess } from './validator-process.ts';

const RECEIVER = new Uint8Array(32).fill(9);
const BALANCE = 10n ** 24n;

export interface ChainNetworkOptions {
  readonly dir: string;
  readonly validators: number;
  readonly authors: number;
  readonly deltaMs: number;
  readonly blockIntervalMs: number;
}

/** An account that signs transfers, by nonce. */
export class TransferAuthor {
  readonly #keys = generateKeyPair();
  readonly address = toHex(this.#keys.publicKey);
  #nonce = 0;

  next(network: string): Uint8Array {
    const fields: RecordFields = {
      ...{ network, lane: 'C', type: 'transfer', version: 1, author: this.address, nonce: this.#nonce++ },
      ...{ fee: 0n, dependsOn: [], body: { to: RECEIVER, amount: 1 } },
    };
    return encodeRecord(signRecord(fields, (message) => signEd25519(message, this.#keys.secretSeed)));
  }
}

/**
 * Validators as processes, each behind a link of its own: validator i dials those before it, so that the first one's link
 * carries all it says and hears.
 */
export class ChainProcesses implements AsyncDisposable {
  readonly genesis: BuiltGenesis;
  readonly authors: readonly TransferAuthor[];
  readonly links: Link[] = [];
  readonly nodes: ValidatorProcess[] = [];
  readonly #options: ChainNetworkOptions;
  readonly #seeds: readonly Uint8Array[];

  static async start(options: ChainNetworkOptions): Promise<ChainProcesses> {
    const network = new ChainProcesses(options);
    for (let i = 0; i < options.validators; i++) {
      network.nodes.push(await network.#start(i, false));
      const link = new Link({ targetHost: '127.0.0.1', targetPort: (network.nodes[i] as ValidatorProcess).port });
      await link.listen();
      network.links.push(link);
    }
    return network;
  }

  /** None of them runs yet. */
  constructor(options: ChainNetworkOptions) {
    this.#options = options;
    this.#seeds = Array.from({ length: options.validators }, () => generateKeyPair().secretSeed);
    this.authors = Array.from({ length: options.authors }, () => new TransferAuthor());
    this.genesis = privateGenesis({
      name: 'test',
      salt: generateKeyPair().publicKey,
      validators: this.#seeds.map((seed, i) => ({ name: `v${i}`, publicKey: toHex(publicKeyOf(seed)), weight: 1 })),
      accounts: this.authors.map(({ address }) => ({ address, balance: String(BALANCE) })),
    });
  }

  /** Settles when every validator is connected to every other. */
  async connected(): Promise<void> {
    for (const node of this.nodes) {
      for (let peers = -1; peers !== this.nodes.length - 1; peers = (await node.report()).peers);
    }
  }

  /** Transfers, by the authors in turn. */
  transfers(count: number): Uint8Array[] {
    return Array.from({ length: count }, (_, i) => {
      const author = this.authors[i % this.authors.length] as TransferAuthor;
      return author.next(this.genesis.hash);
    });
  }

  /** Starts a validator that was killed again, on what its disk has. */
  async restart(index: number, malicious = false): Promise<void> {
    this.nodes[index] = await this.#start(index, malicious);
  }

  /** Of a validator, on the folder it has. */
  setup(index: number): ValidatorSetup {
    const { dir, deltaMs, blockIntervalMs } = this.#options;
    const seed = this.#seeds[index] as Uint8Array;
    const bootstrap = this.links.slice(0, index).map((link, i) => {
      const peer = peerIdOf(publicKeyOf(this.#seeds[i] as Uint8Array));
      return `/ip4/127.0.0.1/tcp/${link.port}/p2p/${peer}`;
    });
    return {
      ...{ genesis: toHex(this.genesis.bytes), seed: toHex(seed), dir: join(dir, `v${index}`) },
      ...{ port: this.nodes[index]?.port ?? 0, bootstrap, announce: null, deltaMs, blockIntervalMs, malicious: false },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node.kill();
    for (const link of this.links) await link.close();
  }

  #start(index: number, malicious: boolean): Promise<ValidatorProcess> {
    return ValidatorProcess.start({ ...this.setup(index), malicious });
  }
}
