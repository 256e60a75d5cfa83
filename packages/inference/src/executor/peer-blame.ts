import type { PeerId } from '@blyan/interface';
import type { FaultReason, PeerHealth } from '@blyan/routing';

/** Points for what cannot be an accident: NaN from finite rows, wrong shapes, answers to nothing. Four refuse a peer. */
const GARBAGE_POINTS = 25;

/** Where the executor tells that a peer did wrong. */
export interface PeerBlame {
  /**
   * The peer is left alone for a while (`PeerHealth`), the fault shows in `blyan-node peers`, and garbage counts
   * towards refusing the peer.
   *
   * @param code what was wrong, `ERR_…`
   */
  blame(peerId: PeerId, reason: FaultReason, code: string): void;
  /** Something that happens to honest peers now and then (a late or repeated step): only a flood of it counts. */
  nuisance(peerId: PeerId, code: string): void;
}

export interface PeerFaultsDeps {
  readonly self: PeerId;
  readonly health: PeerHealth;
  /** The host's: points 0 only note the fault. */
  readonly penalize: (peerId: PeerId, points: number, code: string) => void;
  readonly nuisance: (peerId: PeerId, code: string) => void;
}

/** Blame by health and penalties of this node; itself it never blames. */
export class PeerFaults implements PeerBlame {
  readonly #deps: PeerFaultsDeps;

  constructor(deps: PeerFaultsDeps) {
    this.#deps = deps;
  }

  blame(peerId: PeerId, reason: FaultReason, code: string): void {
    if (peerId === this.#deps.self) return;
    this.#deps.health.failed(peerId, reason);
    this.#deps.penalize(peerId, reason === 'garbage' ? GARBAGE_POINTS : 0, code);
  }

  nuisance(peerId: PeerId, code: string): void {
    if (peerId !== this.#deps.self) this.#deps.nuisance(peerId, code);
  }
}
