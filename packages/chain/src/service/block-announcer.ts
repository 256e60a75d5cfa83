import {
  type BlockOutline,
  type CryptoSuite,
  headerHash,
  type QuorumCertificate,
  verifyCertificate,
} from '@blyan/chain-format';
import { AppError, type Hash, type NetworkId } from '@blyan/interface';
import type { Application } from '../application/application.ts';
import type { PeerKey, ReplicaClock } from '../replica/ports.ts';
import type { ReplicaService } from '../replica/types.ts';
import type { AnnouncedBlock, ChainNetwork, Verdict } from './chain-network.ts';

/** How long others leave the announcement of a block to its proposer, milliseconds. */
const PROPOSER_FIRST_MS = 300;
/** Heights below the newest announced one that an announcement may still be of. */
const REMEMBERED_HEIGHTS = 64;

export interface BlockAnnouncerDeps {
  readonly network: ChainNetwork;
  readonly application: Pick<Application, 'head' | 'rules'>;
  readonly replica: Pick<ReplicaService, 'offerFinal' | 'offerHeight'>;
  readonly networkId: NetworkId;
  readonly suite: CryptoSuite;
  readonly clock: ReplicaClock;
}

/**
 * Tells the network of final blocks, once each: its proposer at once, any other validator when nobody has for a while; and
 * judges what others tell. One announcement of a height is passed on, whichever certificate it comes with.
 */
export class BlockAnnouncer {
  readonly #deps: BlockAnnouncerDeps;
  readonly #announced = new Map<number, Hash>();
  #cancel: () => void = () => {};

  constructor(deps: BlockAnnouncerDeps) {
    this.#deps = deps;
  }

  /** @param validator index of this node in the set of the block's epoch, or null */
  final(block: BlockOutline, certificate: QuorumCertificate, validator: number | null): void {
    this.#cancel();
    const { height, proposer } = block.header;
    const announce = (): void => {
      if (this.#announced.has(height)) return;
      this.#note(height, block.hash);
      this.#deps.network.publishBlock(block, certificate);
    };
    if (validator === null) return;
    if (validator === proposer) announce();
    else this.#cancel = this.#deps.clock.wake(this.#deps.clock.monotonicMs() + PROPOSER_FIRST_MS, announce);
  }

  stop(): void {
    this.#cancel();
  }

  judge(from: PeerKey, { header, outline, certificate }: AnnouncedBlock): Verdict {
    const { application, replica, networkId, suite } = this.#deps;
    const { head, rules } = application;
    const { height, epoch } = header;
    if (header.network !== networkId) return 'reject';
    if (this.#announced.has(height) || height + REMEMBERED_HEIGHTS < head.header.height) return 'ignore';
    if (epoch !== rules.epoch) {
      // Of an epoch whose validators are not known yet: what lies between has to be fetched first.
      if (height > head.header.height) replica.offerHeight(from, height);
      return 'ignore';
    }
    const hash = outline?.hash ?? headerHash(header, suite);
    if (certificate.kind !== 'finalise' || certificate.block !== hash || certificate.epoch !== epoch) return 'reject';
    try {
      verifyCertificate(certificate, rules.validators, networkId, suite);
    } catch (error) {
      if (error instanceof AppError) return 'reject';
      throw error;
    }
    this.#note(height, hash);
    if (height > head.header.height) {
      if (outline === null) replica.offerHeight(from, height);
      else replica.offerFinal(from, outline, certificate);
    }
    return 'accept';
  }

  #note(height: number, hash: Hash): void {
    this.#announced.set(height, hash);
    if (this.#announced.size > REMEMBERED_HEIGHTS) this.#announced.delete(Math.min(...this.#announced.keys()));
  }
}
