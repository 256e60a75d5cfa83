import {
  type ConsensusMessage,
  decodeConsensusMessage,
  encodeConsensusMessage,
  type FinalBlockBody,
  type VoteSigner,
} from '@blyan/chain';
import { type Ballot, type BlockOutline, ballotMessage, type QuorumCertificate, type Vote } from '@blyan/chain-format';
import { toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import type { MemoryStore } from '@blyan/store';
import { LyingApplication } from './lying-application.ts';
import type { Attack } from './scenario.ts';
import { type SimContext, SimNode, type SimPeer } from './sim-node.ts';

const REMEMBERED = 60;

export interface ByzantineCounts {
  equivocations: number;
  withheld: number;
}

/** A validator that does what it wants with its key. */
export class ByzantineNode implements SimPeer {
  readonly place: number;
  readonly signer: VoteSigner;
  readonly honest = false;
  readonly #context: SimContext;
  readonly #attacks: ReadonlySet<Attack>;
  readonly #counts: ByzantineCounts;
  readonly #replicas: SimNode[];
  readonly #heard: ConsensusMessage[] = [];

  constructor(
    place: number,
    signer: VoteSigner,
    context: SimContext,
    attacks: ReadonlySet<Attack>,
    counts: ByzantineCounts,
  ) {
    this.place = place;
    this.signer = signer;
    this.#context = context;
    this.#attacks = attacks;
    this.#counts = counts;
    const lives = attacks.has('twins') ? 2 : 1;
    this.#replicas = Array.from({ length: lives }, (_, twin) => {
      const twist = (to: SimPeer, message: ConsensusMessage) => this.#twist(twin, to, message);
      const lies = (attack: Attack) => attacks.has(attack) && context.world.chance() < 0.4;
      const openApplication = async (store: MemoryStore) =>
        new LyingApplication(await context.chain.open(store), context.suite, lies);
      return new SimNode(place, signer, context, { honest: false, twist, openApplication });
    });
  }

  async start(): Promise<void> {
    for (const replica of this.#replicas) await replica.start();
  }

  receive(from: SimPeer, bytes: Uint8Array): void {
    const { world, suite } = this.#context;
    for (const [twin, replica] of this.#replicas.entries()) {
      if (this.#replicas.length === 1 || this.#sideOf(from) === twin || world.chance() < 0.3)
        replica.receive(from, bytes);
    }
    if (!this.#attacks.has('chaos')) return;
    if (this.#heard.length >= REMEMBERED) this.#heard.splice(world.between(0, REMEMBERED - 1), 1);
    try {
      this.#heard.push(decodeConsensusMessage(bytes, suite));
    } catch {
      // Garbage of another one.
    }
    if (world.chance() < 0.15) this.#attack();
  }

  submit(record: Uint8Array): void {
    for (const replica of this.#replicas) if (this.#context.world.chance() < 0.7) replica.submit(record);
  }

  announce(from: SimPeer, block: BlockOutline, certificate: QuorumCertificate): void {
    for (const replica of this.#replicas) replica.announce(from, block, certificate);
  }

  compare(from: SimPeer, height: number): void {
    for (const replica of this.#replicas) replica.compare(from, height);
  }

  serveOutline(hash: Hash): BlockOutline | undefined {
    return this.#lies() ? undefined : this.#replicas[0]?.serveOutline(hash);
  }

  serveRecords(hashes: readonly Hash[]): readonly Uint8Array[] {
    return this.#lies() ? [Uint8Array.of(1, 2, 3)] : (this.#replicas[0]?.serveRecords(hashes) ?? []);
  }

  serveFinal(from: number): readonly FinalBlockBody[] {
    const bodies = this.#replicas[0]?.serveFinal(from) ?? [];
    if (!this.#lies()) return bodies;
    const { world } = this.#context;
    return bodies.map((body) => {
      const signatures = Uint8Array.from(body.certificate.signatures);
      if (world.chance() < 0.5) signatures[world.between(0, signatures.length - 1)] = world.between(0, 255);
      const kind = world.chance() < 0.5 ? 'notarise' : 'finalise';
      return { ...body, certificate: { ...body.certificate, kind, signatures } } as FinalBlockBody;
    });
  }

  #lies(): boolean {
    return this.#attacks.has('lie') && this.#context.world.chance() < 0.5;
  }

  /** Which twin talks to a peer; it changes every second. */
  #sideOf(peer: SimPeer): number {
    return (peer.place * 7 + Math.floor(this.#context.world.nowMs / 1_000) * (peer.place + 3)) % 2;
  }

  #twist(twin: number, to: SimPeer, message: ConsensusMessage): readonly ConsensusMessage[] {
    const { world } = this.#context;
    if (this.#attacks.has('twins') && this.#sideOf(to) !== twin && world.chance() < 0.8) return [];
    if (this.#attacks.has('withhold')) {
      const view = 'vote' in message ? message.vote.view : 0;
      // In some views it says nothing at all, in others something to some.
      if (view % 3 === 0 || world.chance() < 0.4) {
        this.#counts.withheld++;
        return [];
      }
    }
    return [message];
  }

  /** Something no honest validator does, to some of the others. */
  #attack(): void {
    const { world, nodes } = this.#context;
    const seen = world.pick(this.#heard);
    const targets = world.shuffled(nodes.filter(({ place }) => place !== this.place)).slice(0, world.between(1, 3));
    for (const target of targets) for (const bytes of this.#weapons(seen)) this.#replicas[0]?.sendTo(target, bytes);
  }

  #weapons(seen: ConsensusMessage): Uint8Array[] {
    const { world } = this.#context;
    const ballot: Ballot | null =
      seen.type === 'status' ? null : seen.type === 'certificate' ? seen.certificate : seen.vote;
    switch (world.between(0, 6)) {
      case 0:
        return ballot === null ? [] : this.#voteForAll(ballot);
      case 1: {
        if (ballot === null) return [];
        const view = ballot.view + world.between(1, 1_000);
        return [this.#vote({ ...ballot, kind: 'dummy', block: null, view })];
      }
      case 2:
        return [encodeConsensusMessage(seen)];
      case 3: {
        const bytes = encodeConsensusMessage(seen);
        bytes[world.between(0, bytes.length - 1)] = world.between(0, 255);
        return [bytes];
      }
      case 4: {
        if (seen.type !== 'certificate') return [];
        const certificate = {
          ...seen.certificate,
          view: seen.certificate.view + world.between(0, 2),
          kind: 'finalise' as const,
        };
        return certificate.block === null ? [] : [encodeConsensusMessage({ type: 'certificate', certificate })];
      }
      case 5: {
        const block = toHex(Uint8Array.from({ length: 32 }, () => world.between(0, 255)));
        return ballot === null ? [] : [this.#vote({ ...ballot, kind: 'notarise', block })];
      }
      default: {
        const { epoch, view } = ballot ?? { epoch: 0, view: 1 };
        const wants = Array.from({ length: world.between(0, 64) }, (_, i) => i + 1);
        const height = world.between(0, 1_000_000);
        return [encodeConsensusMessage({ type: 'status', epoch: epoch + world.between(0, 3), view, height, wants })];
      }
    }
  }

  #voteForAll(ballot: Ballot): Uint8Array[] {
    this.#counts.equivocations++;
    const { epoch, view, block } = ballot;
    const ballots: Ballot[] = [{ kind: 'dummy', epoch, view, block: null }];
    if (block !== null)
      ballots.push({ kind: 'notarise', epoch, view, block }, { kind: 'finalise', epoch, view, block });
    return ballots.map((each) => this.#vote(each));
  }

  #vote({ kind, epoch, view, block }: Ballot): Uint8Array {
    const { chain } = this.#context;
    const set = chain.reference.validatorsOf(epoch) ?? [];
    const index = set.findIndex(({ publicKey }) => publicKey === this.signer.publicKey);
    const ballot = { kind, epoch, view, block };
    const signature = this.signer.sign(ballotMessage(chain.network, ballot));
    const vote: Vote = { ...ballot, validator: Math.max(0, index), signature };
    return encodeConsensusMessage({ type: 'vote', vote });
  }
}
