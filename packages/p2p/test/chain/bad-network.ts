import {
  type ChainHandlers,
  type ConsensusMessage,
  encodeConsensusMessage,
  genesisBlock,
  leaderOf,
  privateGenesis,
} from '@blyan/chain';
import { ballotMessage, type Vote } from '@blyan/chain-format';
import { generateKeyPair, nodeSuite, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import { type PeerId, silentLogger } from '@blyan/interface';
import { PROTOCOL_MAJORS } from '@blyan/params';
import { MemoryStore } from '@blyan/store';
import { loneChain } from '@blyan/testkit';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { expect } from 'vitest';
import { serveChain } from '../../src/chain/serve-chain.ts';
import { P2pChainNetwork, P2pHost } from '../../src/index.ts';
import type { PeerProtocol } from '../../src/peer-protocol.ts';
import { connectHosts } from '../support.ts';

const LIARS = 40;
const HONEST_WEIGHT = 1_000;
const seeds = Array.from({ length: LIARS + 1 }, () => generateKeyPair().secretSeed);

function genesisOf(salt: number) {
  return privateGenesis({
    ...{ name: 'test', salt: new Uint8Array(16).fill(salt) },
    validators: seeds.map((seed, i) => {
      const weight = i === 0 ? HONEST_WEIGHT : 1;
      return { name: `v${i}`, publicKey: toHex(publicKeyOf(seed)), weight };
    }),
    accounts: [],
  });
}

/** A genesis after which the honest node leads the first view, and one of the others the second. */
function draw() {
  for (let salt = 0; ; salt = (salt + 1) % 256) {
    seeds.splice(1, seeds.length, ...Array.from({ length: LIARS }, () => generateKeyPair().secretSeed));
    const built = genesisOf(salt);
    const { block, validators } = genesisBlock(built, nodeSuite);
    const seedOf = (view: number) => {
      const leader = validators[leaderOf(validators, block.hash, 0, view, nodeSuite)]?.publicKey;
      return seeds.find((seed) => toHex(publicKeyOf(seed)) === leader) as Uint8Array;
    };
    if (seedOf(1) === seeds[0] && seedOf(2) !== seeds[0]) return { genesis: built, validators, second: seedOf(2) };
  }
}

const drawn = draw();
/** One honest node that is a quorum by itself, and validators who are not. */
export const { genesis, validators } = drawn;
async function hostOf(seed: Uint8Array, clock = () => Date.now()): Promise<P2pHost> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', seed);
  const listen = ['/ip4/127.0.0.1/tcp/0'];
  const options = { privateKey, networkId: genesis.hash, listen, bootstrap: [], mdns: false };
  return new P2pHost(options, { logger: silentLogger, clock: { nowMs: clock } });
}

/** The real chain of an honest node, over real connections. Points are not forgotten: its clock of penalties stands still. */
export async function startHonest() {
  const host = await hostOf(seeds[0] as Uint8Array, () => 0);
  const network = new P2pChainNetwork({ host, logger: silentLogger, suite: nodeSuite });
  const store = new MemoryStore();
  const chain = loneChain(genesis, seeds[0] as Uint8Array, store, network);
  await host.start();
  await chain.start();
  return { host, chain, again: () => loneChain(genesis, seeds[0] as Uint8Array, store) };
}
export type Honest = Awaited<ReturnType<typeof startHonest>>;

/** Settles when a record is final. */
export async function untilFinal({ chain }: Honest, record: Uint8Array): Promise<void> {
  const hash = await chain.submit(record);
  for (let news = Promise.withResolvers<unknown>(); ; news = Promise.withResolvers()) {
    const end = chain.onHead(news.resolve);
    const isFinal = (await chain.record(hash))?.place != null;
    if (!isFinal) await news.promise;
    end();
    if (isFinal) return;
  }
}

let next = 1;

/** A validator that sends what it likes, connected to the honest node. */
export class Liar {
  readonly host: P2pHost;
  readonly index: number;
  readonly #seed: Uint8Array;
  readonly #honest: PeerId;
  readonly #consensus: PeerProtocol;

  /**
   * @param served - what it answers on `chain/1`; nothing without
   * @param leads - whether it is the leader of view 2
   */
  static async meet(honest: Honest, served: Partial<ChainHandlers> = {}, leads = false): Promise<Liar> {
    const used = leads ? drawn.second : (seeds[next++] as Uint8Array);
    if (!leads && used === drawn.second) return Liar.meet(honest, served);
    const host = await hostOf(used);
    const protocol = host.protocol('chain', PROTOCOL_MAJORS.chain, {});
    const chain = { reach: () => ({ height: 0, hash: '0'.repeat(64) }), pool: () => [], ...served };
    serveChain(protocol, () => chain as ChainHandlers);
    const liar = new Liar(host, used, honest);
    await host.start();
    const { pubsub } = host.libp2p.services;
    await connectHosts(host, honest.host);
    for (const topic of ['chain-records', 'chain-blocks']) {
      const name = host.topic(topic);
      await expect.poll(() => pubsub.getSubscribers(name).length, { timeout: 10_000 }).toBe(1);
    }
    return liar;
  }

  private constructor(host: P2pHost, seed: Uint8Array, honest: Honest) {
    this.host = host;
    this.#seed = seed;
    this.#honest = honest.host.peerId;
    const key = toHex(publicKeyOf(seed));
    this.index = validators.findIndex(({ publicKey }) => publicKey === key);
    this.#consensus = host.protocol('consensus', PROTOCOL_MAJORS.consensus, { maxFrameBytes: 64 * 1024 * 1024 });
  }

  async gossip(topic: 'chain-records' | 'chain-blocks', message: Uint8Array): Promise<void> {
    await this.host.libp2p.services.pubsub.publish(this.host.topic(topic), message);
  }

  say(message: ConsensusMessage | Uint8Array): Promise<void> {
    const bytes = message instanceof Uint8Array ? message : encodeConsensusMessage(message);
    return this.#consensus.notifyRaw(this.#honest, 'message', bytes);
  }

  vote(ballot: Pick<Vote, 'kind' | 'view' | 'block'>): Vote {
    const full = { epoch: 0, ...ballot };
    const signature = signEd25519(ballotMessage(genesis.hash, full), this.#seed);
    return { ...full, validator: this.index, signature };
  }
}
