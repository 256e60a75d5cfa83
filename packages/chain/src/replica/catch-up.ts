import { type BlockOutline, type CryptoSuite, type QuorumCertificate, verifyCertificate } from '@blyan/chain-format';
import type { Logger, NetworkId, StoreWrite } from '@blyan/interface';
import { errorCode } from '@blyan/interface';
import type { Application, EpochRules } from '../application/application.ts';
import { ConsensusError } from '../consensus/errors.ts';
import type { BlockSource, FinalBlockBody, PeerKey, ReplicaClock } from './ports.ts';

/** Peers whose longer chain is remembered at once. */
const MAX_OFFERS = 64;

export interface CatchUpDeps {
  readonly network: NetworkId;
  readonly application: Application;
  readonly source: BlockSource;
  readonly clock: ReplicaClock;
  readonly suite: CryptoSuite;
  readonly logger: Logger;
  /** Milliseconds for which the offers of a peer that gave nothing are not believed. */
  readonly distrustMs: number;
  /** The set that the certificates of the present epoch are checked with. */
  readonly validatorsOf: (rules: EpochRules) => EpochRules['validators'];
  /** The head has moved: the writes have to go to the store at once. Settles when they are on disk. */
  readonly committed: (
    head: BlockOutline,
    certificate: QuorumCertificate,
    writes: readonly StoreWrite[],
  ) => Promise<void>;
  readonly misbehaviour: (peer: PeerKey, code: string) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Follows chains that are longer: fetches final blocks, checks each certificate with the set of its epoch, executes every
 * block. Peers are asked one after the other.
 */
export class CatchUp {
  readonly #deps: CatchUpDeps;
  readonly #stopping = new AbortController();
  readonly #offers = new Map<PeerKey, number>();
  readonly #distrustedUntilMs = new Map<PeerKey, number>();
  #running = false;

  constructor(deps: CatchUpDeps) {
    this.#deps = deps;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** A peer says that its chain has this height. */
  offer(from: PeerKey, height: number): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (height <= this.#height || nowMs < (this.#distrustedUntilMs.get(from) ?? 0)) return;
    if (!this.#offers.has(from) && this.#offers.size >= MAX_OFFERS) return;
    this.#offers.set(from, Math.max(height, this.#offers.get(from) ?? 0));
    if (this.#running) return;
    this.#running = true;
    this.#run()
      .catch((error) => {
        if (!this.#stopping.signal.aborted) this.#deps.failed(error);
      })
      .finally(() => {
        this.#running = false;
      });
  }

  /**
   * Makes a block final whose parent is the head.
   *
   * @returns false if it is not, or something of it is not here
   */
  take(block: BlockOutline, certificate: QuorumCertificate): boolean {
    const { application } = this.#deps;
    if (block.header.parent !== application.head.hash || certificate.block !== block.hash) return false;
    this.#verify(certificate, block);
    if (!this.#execute(block)) return false;
    void this.#commit(block, certificate);
    return true;
  }

  get #height(): number {
    return this.#deps.application.head.header.height;
  }

  async #run(): Promise<void> {
    for (let offer = this.#next(); offer !== null; offer = this.#next()) {
      const before = this.#height;
      await this.#follow(offer);
      if (this.#stopping.signal.aborted) return;
      if (this.#height > before) continue;
      this.#offers.delete(offer);
      this.#distrust(offer);
    }
  }

  /** The peer with the longest chain. */
  #next(): PeerKey | null {
    for (const [peer, height] of this.#offers) if (height <= this.#height) this.#offers.delete(peer);
    let best: PeerKey | null = null;
    for (const [peer, height] of this.#offers) if (best === null || height > (this.#offers.get(best) ?? 0)) best = peer;
    return best;
  }

  #distrust(peer: PeerKey): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [known, untilMs] of this.#distrustedUntilMs) if (untilMs <= nowMs) this.#distrustedUntilMs.delete(known);
    if (this.#distrustedUntilMs.size < MAX_OFFERS) this.#distrustedUntilMs.set(peer, nowMs + this.#deps.distrustMs);
  }

  /** Takes one answer of a peer. */
  async #follow(peer: PeerKey): Promise<void> {
    const { source, misbehaviour, logger } = this.#deps;
    const { signal } = this.#stopping;
    const bodies = await source.finalBlocks(this.#height + 1, [peer], signal).catch(() => []);
    try {
      // Blocks up to one whose own certificate came along become final together.
      for (let from = 0; from < bodies.length && !signal.aborted; ) {
        const end = bodies.findIndex(({ block, certificate }, i) => i >= from && certificate.block === block.hash);
        if (end < 0) return;
        await this.#takeRun(bodies.slice(from, end + 1));
        from = end + 1;
      }
    } catch (error) {
      if (error instanceof ConsensusError && error.kind === 'internal') throw error;
      misbehaviour(peer, errorCode(error));
      logger.debug('final blocks of a peer refused', { peer, code: errorCode(error) });
    }
  }

  async #takeRun(run: readonly FinalBlockBody[]): Promise<void> {
    const { application } = this.#deps;
    const last = run.at(-1) as FinalBlockBody;
    if (last.block.header.height <= this.#height) return;
    const fresh = run.filter(({ block }) => block.header.height > this.#height);
    let { hash } = application.head;
    for (const { block } of fresh) {
      if (block.header.parent !== hash) throw refused('The blocks do not follow each other.');
      hash = block.hash;
    }
    this.#verify(last.certificate, last.block);
    for (const { block, records } of fresh) {
      application.addRecords(records);
      if (!this.#execute(block)) throw refused('Records of the block are missing.');
    }
    await this.#commit(last.block, last.certificate);
  }

  #verify(certificate: QuorumCertificate, { header }: BlockOutline): void {
    const { network, application, suite, validatorsOf } = this.#deps;
    const { rules } = application;
    if (certificate.kind !== 'finalise' || certificate.epoch !== rules.epoch || header.epoch !== rules.epoch) {
      throw refused('The certificate is none that makes a block of this epoch final.');
    }
    verifyCertificate(certificate, validatorsOf(rules), network, suite);
  }

  /** Executes a block that a quorum made final, or that such a block stands on. @returns false if records are missing */
  #execute(block: BlockOutline): boolean {
    const { application, clock } = this.#deps;
    // A quorum found its time good: this node's clock has no say.
    const judgement = application.judge(block, Math.max(clock.nowMs(), block.header.timeMs));
    if (judgement.verdict === 'invalid') throw invalidFinal(block, judgement.code);
    return judgement.verdict === 'valid';
  }

  #commit(block: BlockOutline, certificate: QuorumCertificate): Promise<void> {
    return this.#deps.committed(block, certificate, this.#deps.application.commit(block.hash, certificate));
  }
}

function refused(message: string): ConsensusError {
  return new ConsensusError('ERR_CONSENSUS_CERTIFICATE', message, { kind: 'peer' });
}

/** The end of this replica: it cannot agree to what the others made final, and must not go on without it. */
export function invalidFinal({ hash, header }: Pick<BlockOutline, 'hash' | 'header'>, code: string): ConsensusError {
  const message = `Block ${header.height} is final and this node finds it invalid (${code}): one of the two runs other rules. Update the node, or restore its data, and start again.`;
  return new ConsensusError('ERR_CONSENSUS_FINAL_INVALID', message, {
    meta: { block: hash, height: header.height, code },
  });
}
