import { type BlockOutline, ballotMessage, type HashedRecord, type Vote, type VoteKind } from '@blyan/chain-format';
import { nodeSuite, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import { MemoryStore } from '@blyan/store';
import {
  BlockRepository,
  type BlockSource,
  type ConsensusMessage,
  type FinalBlockBody,
  leaderOf,
  type PeerKey,
  Replica,
} from '../../src/index.ts';
import { certificateFor, genesis, keyOf, TestNode, transfer, VALIDATORS } from '../application/fixture.ts';

export const DELTA_MS = 100;
const seedOf = (name: string) => nodeSuite.sha256(new TextEncoder().encode(name));
/** Names of the validators by their index in the set. */
export const NAMES = [...VALIDATORS].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
export const KEYS = NAMES.map(keyOf);
export const STRANGER = toHex(publicKeyOf(seedOf('stranger')));

export function vote(kind: VoteKind, view: number, block: Hash | null, validator: number, epoch = 0): Vote {
  const ballot = { kind, epoch, view, block };
  const signature = signEd25519(ballotMessage(genesis.hash, ballot), seedOf(NAMES[validator] as string));
  return { ...ballot, validator, signature };
}

export const leaderIn = (node: TestNode, view: number) => {
  const { validators, seed, epoch } = node.application.rules;
  return leaderOf(validators, seed, epoch, view, nodeSuite);
};

/** Payments of one base unit, by rising nonce. */
export const payment = (nonce: number): HashedRecord => transfer('ann', 'bob', 1n, { nonce });

/** A chain that somebody else has, block by block. */
export class OtherChain {
  readonly bodies: FinalBlockBody[] = [];
  readonly node: TestNode;

  private constructor(node: TestNode) {
    this.node = node;
  }

  static async of(heights: number): Promise<OtherChain> {
    const chain = new OtherChain(await TestNode.open());
    for (let height = 1; height <= heights; height++) await chain.#add(height);
    return chain;
  }

  async #add(height: number): Promise<void> {
    const record = payment(height - 1);
    this.node.offer(record);
    const block = this.next();
    await this.node.commit(block);
    this.bodies.push({ block, records: [record.bytes], certificate: certificateFor(block) });
  }

  /** A block on the head by the leader of its view. */
  next(view?: number): BlockOutline {
    const { head, rules } = this.node.application;
    const first = head.hash === rules.start.hash ? 1 : head.header.view + 1;
    this.node.nowMs += 100;
    const slot = { parent: head.hash, view: view ?? first, proposer: leaderIn(this.node, view ?? first) };
    return this.node.application.build({ ...slot, nowMs: this.node.nowMs });
  }
}

/** One replica on the real application, with a clock that stands still and nobody around. */
export class TestReplica {
  readonly sent: { readonly to: readonly PeerKey[]; readonly message: ConsensusMessage }[] = [];
  readonly blamed: (readonly [peer: PeerKey, code: string])[] = [];
  readonly asked: PeerKey[] = [];
  readonly finals: number[] = [];
  readonly halts: Error[] = [];
  readonly replica: Replica;
  readonly node: TestNode;
  /** What peers answer. */
  readonly source: { -readonly [K in keyof BlockSource]: BlockSource[K] };
  nowMs = 0;
  #alarms: { atMs: number; callback: () => void }[] = [];

  private constructor(node: TestNode, signer: string | null) {
    this.node = node;
    const repository = new BlockRepository(node.store, nodeSuite);
    this.source = { outline: async () => null, records: async () => [], finalBlocks: async () => [] };
    this.replica = new Replica(
      {
        network: genesis.hash,
        signer: signer === null ? null : { publicKey: keyOf(signer), sign: (m) => signEd25519(m, seedOf(signer)) },
        deltaMs: DELTA_MS,
        blockIntervalMs: 0,
      },
      {
        application: node.application,
        store: node.store,
        network: { send: (to, message) => this.sent.push({ to, message }) },
        source: {
          outline: (hash, from, signal) => this.source.outline(hash, from, signal),
          records: (hashes, from, signal) => this.source.records(hashes, from, signal),
          finalBlocks: (height, from, signal) => {
            this.asked.push(...from);
            return this.source.finalBlocks(height, from, signal);
          },
        },
        clock: {
          nowMs: () => node.nowMs,
          monotonicMs: () => this.nowMs,
          wake: (atMs, callback) => {
            const alarm = { atMs, callback };
            this.#alarms.push(alarm);
            return () => {
              this.#alarms = this.#alarms.filter((other) => other !== alarm);
            };
          },
        },
        suite: nodeSuite,
        storedOutline: (hash) => repository.unfinalised(hash) ?? undefined,
      },
      {
        final: (head) => this.finals.push(head.header.height),
        evidence: () => undefined,
        halted: (error) => this.halts.push(error),
        misbehaviour: (peer, code) => this.blamed.push([peer, code]),
      },
    );
  }

  /** @param signer - name of a validator, or null for a node without a vote */
  static async start(signer: string | null, store = new MemoryStore()): Promise<TestReplica> {
    const found = new TestReplica(await TestNode.open(store), signer);
    await found.replica.start();
    return found;
  }

  /** Everything that can happen without time passing has happened. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async after(delayMs: number): Promise<void> {
    const untilMs = this.nowMs + delayMs;
    for (;;) {
      const due = this.#alarms.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#alarms = this.#alarms.filter((alarm) => alarm !== due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.callback();
      await this.settle();
    }
    this.nowMs = untilMs;
  }

  offer(...records: HashedRecord[]): void {
    this.node.offer(...records);
    this.replica.poke();
  }

  async hear(from: PeerKey, message: ConsensusMessage): Promise<void> {
    this.replica.receive(from, message);
    await this.settle();
  }

  async propose(block: BlockOutline, leader = block.header.proposer): Promise<void> {
    const { view, epoch } = block.header;
    const message = { type: 'proposal' as const, block, vote: vote('notarise', view, block.hash, leader, epoch) };
    await this.hear(KEYS[leader] as PeerKey, message);
  }

  /** Kinds of the votes that left, those of proposals too. */
  get votes(): string[] {
    return this.sent.flatMap(({ message }) =>
      message.type === 'vote' || message.type === 'proposal' ? [message.vote.kind] : [],
    );
  }

  get height(): number {
    return this.node.application.head.header.height;
  }
}
