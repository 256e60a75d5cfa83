import {
  type BlockSource,
  type ConsensusMessage,
  decodeConsensusMessage,
  encodeConsensusMessage,
  type FinalBlockBody,
  type PeerKey,
  Replica,
  type SimplexRules,
  type VoteSigner,
} from '@blyan/chain';
import type { BlockOutline, CryptoSuite, QuorumCertificate } from '@blyan/chain-format';
import type { Hash, KeyValueStore } from '@blyan/interface';
import { MemoryStore } from '@blyan/store';
import type { SimApplication, SimChain } from './sim-application.ts';
import type { SimLinks } from './sim-links.ts';
import type { Watch } from './watch.ts';
import type { World } from './world.ts';

/** Milliseconds after which a request counts as not answered. */
const REQUEST_TIMEOUT_MS = 250;
const ASKED_PEERS = 3;
const decoded = new WeakMap<Uint8Array, ConsensusMessage>();

/** What all nodes of a simulation have in common. */
export interface SimContext {
  readonly world: World;
  readonly links: SimLinks;
  readonly watch: Watch;
  readonly suite: CryptoSuite;
  readonly chain: SimChain;
  readonly deltaMs: number;
  readonly maxTimeoutMs: number;
  readonly rules: SimplexRules;
  /** Nodes by their place. */
  readonly nodes: SimPeer[];
}

/** Anything that has a place in the network. */
export interface SimPeer {
  readonly place: number;
  readonly signer: VoteSigner;
  readonly honest: boolean;
  receive(from: SimPeer, bytes: Uint8Array): void;
  serveOutline(hash: Hash): BlockOutline | undefined;
  serveRecords(hashes: readonly Hash[]): readonly Uint8Array[];
  serveFinal(from: number): readonly FinalBlockBody[];
  submit(record: Uint8Array): void;
  /** Hears by gossip that a block is final. */
  announce(from: SimPeer, block: BlockOutline, certificate: QuorumCertificate): void;
  /** Hears how long a peer's chain is. */
  compare(from: SimPeer, height: number): void;
}

export interface SimNodeOptions {
  readonly honest: boolean;
  /** What leaves instead of a message to a peer; for nodes that do not follow the rules. */
  readonly twist?: (to: SimPeer, message: ConsensusMessage) => readonly ConsensusMessage[];
  readonly openApplication?: (store: MemoryStore) => Promise<SimApplication>;
  /** Broken on purpose: what a start finds of the store. */
  readonly tamper?: (store: MemoryStore) => Promise<void>;
  /** Broken on purpose: what the replica writes to. */
  readonly wrapStore?: (store: MemoryStore) => KeyValueStore;
}

/** One node: the real replica on a store that can crash, with simulated links and clock. */
export class SimNode implements SimPeer {
  readonly place: number;
  readonly signer: VoteSigner;
  readonly honest: boolean;
  readonly #context: SimContext;
  readonly #options: SimNodeOptions;
  readonly #skewMs: number;
  #store: MemoryStore;
  #application!: SimApplication;
  #replica: Replica | null = null;
  /** Rises with every crash: what an earlier life started means nothing to a later one. */
  #life = 0;
  #writesToCrash = Number.POSITIVE_INFINITY;
  #crashed: () => void = () => undefined;
  #acknowledged = 0;
  #acknowledgedHash: Hash | null = null;

  constructor(place: number, signer: VoteSigner, context: SimContext, options: SimNodeOptions) {
    this.place = place;
    this.signer = signer;
    this.honest = options.honest;
    this.#context = context;
    this.#options = options;
    this.#skewMs = context.world.between(-40, 40);
    this.#store = new MemoryStore({ disk: this.#disk() }, context.chain.founding);
  }

  /** Of the present life or the last one; there is one from the first start on. */
  get application(): SimApplication {
    return this.#application;
  }

  get alive(): boolean {
    return this.#replica !== null;
  }

  get replica(): Replica | null {
    return this.#replica;
  }

  /** Starts on what the disk holds. */
  async start(): Promise<void> {
    const { chain, deltaMs, maxTimeoutMs, suite, rules, watch, world } = this.#context;
    await this.#options.tamper?.(this.#store);
    this.#application = await this.#open();
    this.#checkAcknowledged();
    const life = this.#life;
    const replica = new Replica(
      { network: chain.network, signer: this.signer, deltaMs, blockIntervalMs: 20, maxTimeoutMs },
      {
        application: this.#application,
        store: this.#options.wrapStore?.(this.#store) ?? this.#store,
        network: { send: (to, message) => this.#send(life, to, message) },
        source: this.#source(life),
        clock: {
          nowMs: () => Math.floor(1_000_000 + world.nowMs + this.#skewMs),
          monotonicMs: () => world.nowMs,
          wake: (atMs, callback) =>
            world.at(atMs, () => {
              if (life === this.#life) callback();
            }),
        },
        suite,
        storedOutline: (hash) => this.#application.outline(hash),
        rules,
      },
      {
        final: (head, certificate) => this.#final(head, certificate),
        evidence: (evidence, validator) => {
          if (this.honest) watch.evidence(validator, evidence);
        },
        halted: (error) => {
          // A life that crashed may find its disk gone.
          if (this.honest && life === this.#life)
            watch.violate(
              `node ${this.place} halted: ${error.message} ${(error.cause as Error | undefined)?.stack ?? error.stack}`,
            );
        },
        misbehaviour: (peer, code) => {
          if (this.honest) this.#misbehaved(peer, code);
        },
      },
    );
    this.#replica = replica;
    await replica.start();
  }

  /** Crashes at one of the next writes to the disk. */
  crashAtWrite(writes: number, crashed: () => void): void {
    this.#writesToCrash = writes;
    this.#crashed = crashed;
  }

  /** Everything in memory is gone, and an unknown part of what was not synced. */
  crash(): void {
    const { world } = this.#context;
    if (!this.alive) return;
    const keep = world.between(0, this.#store.unsyncedBatches);
    world.trace(`${this.place} crashes, ${keep} of ${this.#store.unsyncedBatches} batches stay`);
    this.#life++;
    this.#writesToCrash = Number.POSITIVE_INFINITY;
    this.#store = this.#store.crash(keep, { disk: this.#disk() });
    this.#replica = null;
  }

  receive(from: SimPeer, bytes: Uint8Array): void {
    if (this.#replica === null) return;
    let message = decoded.get(bytes);
    if (message === undefined) {
      try {
        message = decodeConsensusMessage(bytes, this.#context.suite);
        decoded.set(bytes, message);
      } catch {
        if (from.honest) this.#context.watch.violate('an honest message cannot be decoded');
        return;
      }
    }
    this.#replica.receive(from.signer.publicKey, message);
  }

  submit(record: Uint8Array): void {
    if (this.#replica === null) return;
    this.#application.submit(record);
    this.#replica.poke();
  }

  announce(from: SimPeer, block: BlockOutline, certificate: QuorumCertificate): void {
    this.#replica?.offerFinal(from.signer.publicKey, block, certificate);
  }

  compare(from: SimPeer, height: number): void {
    this.#replica?.offerHeight(from.signer.publicKey, height);
  }

  serveOutline(hash: Hash): BlockOutline | undefined {
    return this.alive ? this.#application.outline(hash) : undefined;
  }

  serveRecords(hashes: readonly Hash[]): readonly Uint8Array[] {
    if (!this.alive) return [];
    return hashes.map((hash) => this.#application.record(hash)).filter((bytes) => bytes !== undefined);
  }

  serveFinal(from: number): readonly FinalBlockBody[] {
    return this.alive ? this.#application.finalBodies(from) : [];
  }

  /** Sends one message past the rules. */
  sendTo(to: SimPeer, bytes: Uint8Array): void {
    if (!this.alive) return;
    this.#context.links.carry(this.place, to.place, () => to.receive(this, bytes));
  }

  #open(): Promise<SimApplication> {
    return this.#options.openApplication?.(this.#store) ?? this.#context.chain.open(this.#store);
  }

  #disk(): (sync: boolean) => Promise<void> {
    const { world } = this.#context;
    return (sync) => {
      if (--this.#writesToCrash < 0) {
        this.crash();
        this.#crashed();
        return new Promise(() => undefined);
      }
      return world.sleep(sync ? world.chance() * 3 : 0);
    };
  }

  #send(life: number, to: readonly PeerKey[], message: ConsensusMessage): void {
    if (life !== this.#life) return;
    const { nodes, watch, world } = this.#context;
    if (this.honest) watch.sent(this.signer.publicKey, message, (hash) => this.#application.outline(hash));
    world.trace(`${this.place} says ${describe(message)}`);
    const bytes = encodeConsensusMessage(message);
    for (const key of to) {
      const peer = nodes.find(({ signer }) => signer.publicKey === key);
      if (peer === undefined) continue;
      const twisted = this.#options.twist?.(peer, message) ?? [message];
      for (const sent of twisted) this.sendTo(peer, sent === message ? bytes : encodeConsensusMessage(sent));
    }
  }

  #source(life: number): BlockSource {
    const { chain } = this.#context;
    return {
      outline: async (hash, from) => {
        for (const peer of this.#asked(from)) {
          const found = await this.#request(life, peer, () => peer.serveOutline(hash));
          if (found?.hash === hash) return found;
        }
        return null;
      },
      records: async (hashes, from) => {
        const wanted = new Set(hashes);
        for (const peer of this.#asked(from)) {
          const found = (await this.#request(life, peer, () => peer.serveRecords(hashes))) ?? [];
          const good = found.filter((bytes) => wanted.has(chain.hashOf(bytes)));
          if (good.length > 0) return good;
        }
        return [];
      },
      finalBlocks: async (height, from) => {
        const [peer] = this.#asked(from);
        return peer === undefined ? [] : ((await this.#request(life, peer, () => peer.serveFinal(height))) ?? []);
      },
    };
  }

  #asked(keys: readonly PeerKey[]): SimPeer[] {
    const { nodes, world } = this.#context;
    const peers = nodes.filter(({ place, signer }) => place !== this.place && keys.includes(signer.publicKey));
    return world.shuffled(peers).slice(0, ASKED_PEERS);
  }

  #request<T>(life: number, peer: SimPeer, serve: () => T): Promise<T | undefined> {
    const { links, world } = this.#context;
    return new Promise((resolve) => {
      const settle = (value: T | undefined) => {
        if (life === this.#life) resolve(value);
      };
      const cancel = world.after(REQUEST_TIMEOUT_MS, () => settle(undefined));
      links.carry(this.place, peer.place, () => {
        const answer = serve();
        links.carry(peer.place, this.place, () => {
          cancel();
          settle(answer);
        });
      });
    });
  }

  #final(head: BlockOutline, certificate: QuorumCertificate): void {
    if (!this.honest) return;
    const { world, watch, nodes, links } = this.#context;
    const { height } = head.header;
    world.trace(`${this.place} has final ${height} ${head.hash.slice(0, 12)}`);
    watch.certificate(`node ${this.place}`, head.header, certificate);
    for (let at = this.#acknowledged + 1; at <= height; at++) this.#watchFinal(at);
    // Some announcements of a block are enough: gossip spreads them.
    for (const peer of nodes) {
      if (peer !== this && world.chance() < 0.3)
        links.carry(this.place, peer.place, () => peer.announce(this, head, certificate));
    }
    this.#acknowledged = height;
    this.#acknowledgedHash = head.hash;
  }

  #checkAcknowledged(): void {
    if (!this.honest) return;
    this.#acknowledgedHash ??= this.#application.head.hash;
    if (this.#application.finalAt(this.#acknowledged) !== this.#acknowledgedHash) {
      this.#context.watch.violate(`node ${this.place} lost the final block ${this.#acknowledged} in a crash`);
    }
    for (let at = this.#acknowledged + 1; at <= this.#application.head.header.height; at++) this.#watchFinal(at);
  }

  #watchFinal(height: number): void {
    const { watch } = this.#context;
    const hash = this.#application.finalAt(height);
    const block = hash === undefined ? undefined : this.#application.outline(hash);
    if (block === undefined) watch.violate(`node ${this.place} has no final block ${height} below its head`);
    else watch.final(`node ${this.place}`, block, () => this.#records(block));
  }

  #records({ recordHashes }: BlockOutline): Uint8Array[] {
    return recordHashes.map((hash) => this.#application.record(hash)).filter((bytes) => bytes !== undefined);
  }

  #misbehaved(peer: PeerKey, code: string): void {
    const { nodes, watch } = this.#context;
    const culprit = nodes.find(({ signer }) => signer.publicKey === peer);
    if (culprit?.honest) watch.violate(`node ${this.place} accuses node ${culprit.place}, which is honest: ${code}`);
  }
}

function describe(message: ConsensusMessage): string {
  switch (message.type) {
    case 'proposal':
    case 'vote': {
      const { kind, epoch, view, block } = message.vote;
      return `${message.type} ${kind} ${epoch}/${view} ${block?.slice(0, 8) ?? ''}`;
    }
    case 'certificate': {
      const { kind, epoch, view, block } = message.certificate;
      return `certificate ${kind} ${epoch}/${view} ${block?.slice(0, 8) ?? ''}`;
    }
    case 'status':
      return `status ${message.epoch}/${message.view} ${message.height} ${message.wants.join()}`;
  }
}
