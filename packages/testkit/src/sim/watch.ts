import type { ConsensusMessage, PeerKey } from '@blyan/chain';
import {
  type BlockHeader,
  type BlockOutline,
  type CryptoSuite,
  type Evidence,
  type QuorumCertificate,
  slashable,
  type Vote,
  verifyCertificate,
} from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import { FinalityWatch } from './finality-watch.ts';
import type { SimChain } from './sim-application.ts';
import type { World } from './world.ts';

/** Looks on, and remembers whatever must not happen. */
export class Watch {
  readonly violations: string[] = [];
  /** Validators of which an honest node found evidence. */
  readonly exposed = new Set<PeerKey>();
  readonly #world: World;
  readonly #honest: ReadonlySet<PeerKey>;
  readonly #chain: SimChain;
  readonly #suite: CryptoSuite;
  readonly #final: BlockOutline[];
  readonly #votes = new Map<string, Vote[]>();
  readonly #finality: FinalityWatch;

  /** @param honest - keys of the nodes that follow the rules */
  constructor(world: World, honest: ReadonlySet<PeerKey>, chain: SimChain, suite: CryptoSuite) {
    this.#world = world;
    this.#honest = honest;
    this.#chain = chain;
    this.#suite = suite;
    this.#finality = new FinalityWatch(honest);
    this.#final = [chain.reference.head];
  }

  violate(what: string): void {
    this.#world.trace(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  /** An honest node has this block as the final one of its height; the heights below were told before. */
  final(node: string, block: BlockOutline, records: () => readonly Uint8Array[]): void {
    const { height, parent } = block.header;
    const known = this.#final[height];
    if (known?.hash === block.hash) return;
    if (known !== undefined) {
      this.violate(`two final blocks of height ${height}, the second at ${node}`);
      return;
    }
    this.#final[height] = block;
    const before = this.#final[height - 1] as BlockOutline;
    if (before.hash !== parent) this.violate(`final block ${height} does not stand on the one below`);
    const wrong = this.#chain.reference.execute(block, records());
    if (wrong !== null) this.violate(`final block ${height} ${wrong}`);
  }

  /** An honest node takes this certificate for what makes a block of its epoch final. */
  certificate(node: string, { epoch }: BlockHeader, certificate: QuorumCertificate): void {
    const { network, reference } = this.#chain;
    try {
      verifyCertificate(certificate, reference.validatorsOf(epoch) ?? [], network, this.#suite);
    } catch (error) {
      this.violate(`${node} believes a certificate that is none: ${(error as Error).message}`);
    }
    if (certificate.kind !== 'finalise' || certificate.epoch !== epoch) {
      this.violate(`${node} believes a certificate of another kind or epoch`);
    }
  }

  /**
   * Whatever an honest node lets go: over its whole life, crashes included, it must not contradict itself, and all together must
   * not make two blocks final.
   */
  sent(from: PeerKey, message: ConsensusMessage, outline: (hash: Hash) => BlockOutline | undefined): void {
    if (message.type !== 'vote' && message.type !== 'proposal') return;
    const { vote } = message;
    const place = `${from}/${vote.epoch}/${vote.view}`;
    const votes = this.#votes.get(place) ?? [];
    this.#votes.set(place, votes);
    if (votes.some(({ kind, block }) => kind === vote.kind && block === vote.block)) return;
    if (votes.some((other) => slashable(other, vote) !== null)) {
      this.violate(`${from.slice(0, 8)} signed what is slashable in view ${vote.view} of epoch ${vote.epoch}`);
    }
    votes.push(vote);
    // Gone where another block of its height became final while the vote was on its way to the disk.
    const block = vote.kind === 'notarise' ? outline(vote.block as Hash) : undefined;
    if (block !== undefined) this.#finality.learn(block);
    if (vote.kind !== 'finalise') return;
    const height = this.#finality.finalise(vote, this.#chain.reference.validatorsOf(vote.epoch) ?? []);
    if (height !== null) this.violate(`votes of honest validators let two blocks of height ${height} be final`);
  }

  evidence(about: PeerKey, { first }: Evidence): void {
    this.exposed.add(about);
    if (this.#honest.has(about))
      this.violate(`evidence against ${about.slice(0, 8)}, which is honest, in view ${first.view}`);
  }
}
