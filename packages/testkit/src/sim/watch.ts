import type { ConsensusMessage, PeerKey } from '@blyan/chain';
import { type Evidence, slashable, type Vote } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import type { World } from './world.ts';

/** Looks on, and remembers whatever must not happen. */
export class Watch {
  readonly violations: string[] = [];
  /** Validators of which an honest node found evidence. */
  readonly exposed = new Set<PeerKey>();
  readonly #world: World;
  readonly #honest: ReadonlySet<PeerKey>;
  readonly #final: Hash[] = [];
  readonly #votes = new Map<string, Vote[]>();

  /** @param honest - keys of the nodes that follow the rules */
  constructor(world: World, honest: ReadonlySet<PeerKey>) {
    this.#world = world;
    this.#honest = honest;
  }

  violate(what: string): void {
    this.#world.trace(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  /** An honest node has this block as the final one of a height. */
  final(node: string, height: number, hash: Hash): void {
    const known = this.#final[height];
    if (known === undefined) this.#final[height] = hash;
    else if (known !== hash) this.violate(`two final blocks of height ${height}, the second at ${node}`);
  }

  /** Whatever an honest node lets go: over its whole life, crashes included, it must not contradict itself. */
  sent(from: PeerKey, message: ConsensusMessage): void {
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
  }

  evidence(about: PeerKey, { first }: Evidence): void {
    this.exposed.add(about);
    if (this.#honest.has(about))
      this.violate(`evidence against ${about.slice(0, 8)}, which is honest, in view ${first.view}`);
  }
}
