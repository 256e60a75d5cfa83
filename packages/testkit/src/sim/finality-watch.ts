import { type BlockHeader, type BlockOutline, quorumWeight, type ValidatorSet, type Vote } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';

/**
 * What the votes of honest validators make final, or would together with all votes that the others can cast, whether anybody
 * heard them or not: a network that loses messages hides a broken rule from the nodes, and not from here.
 */
export class FinalityWatch {
  readonly #honest: ReadonlySet<string>;
  readonly #headers = new Map<Hash, BlockHeader>();
  readonly #voters = new Map<string, Set<number>>();
  readonly #byHeight = new Map<number, Hash>();

  /** @param honest - public keys */
  constructor(honest: ReadonlySet<string>) {
    this.#honest = honest;
  }

  /** A block that an honest validator voted for. */
  learn({ hash, header }: BlockOutline): void {
    this.#headers.set(hash, header);
  }

  /** A `finalise` vote of an honest validator. @returns the height for which two blocks can be final, or null */
  finalise({ epoch, view, block, validator }: Vote, set: ValidatorSet): number | null {
    const ballot = `${epoch}/${view}/${block}`;
    const voters = this.#voters.get(ballot) ?? new Set();
    this.#voters.set(ballot, voters.add(validator));
    const weight = set.reduce(
      (sum, { publicKey, weight }, i) => (voters.has(i) || !this.#honest.has(publicKey) ? sum + weight : sum),
      0,
    );
    return weight < quorumWeight(set) ? null : this.#settle(block as Hash);
  }

  /** Notes that a block and its ancestors, as far as they are known, are final. */
  #settle(block: Hash): number | null {
    for (let at: Hash = block, header = this.#headers.get(at); header !== undefined; header = this.#headers.get(at)) {
      const known = this.#byHeight.get(header.height);
      if (known === at) return null;
      if (known !== undefined) return header.height;
      this.#byHeight.set(header.height, at);
      at = header.parent;
    }
    return null;
  }
}
