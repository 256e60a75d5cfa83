import { errorCode, type Logger, type PeerId } from '@blyan/interface';
import type { PeerProtocol } from '@blyan/p2p';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import type { LaneName } from '../messages.ts';
import { OPEN_TIMEOUT_MS } from './deadlines.ts';

/** What a lane saves is a millisecond a token: of no use where a round trip takes longer than this. */
const MAX_RTT_MS = 5;
/** Between two times that a lane to one peer is asked for. */
const RETRY_MS = 60_000;
/** Between two invitations of one peer, which an honest one asks for less often. */
const INVITE_EVERY_MS = 10_000;

const invitationSchema = z
  .object({
    port: z.number().int().min(1).max(65_535),
    identity: z.string().regex(/^[0-9a-f]{32}$/),
    secret: z.instanceof(Uint8Array).refine(({ byteLength }) => byteLength === 32),
  })
  .nullable();

export interface StageLanesOptions {
  /** Whether this node opens lanes. */
  readonly asks: boolean;
  /** Whether it lets others open them. */
  readonly invites: boolean;
}

export interface StageLanesDeps {
  readonly protocol: PeerProtocol;
  readonly engine: Pick<Engine, 'inviteLane' | 'connectLane' | 'closeLanes'>;
  readonly link: {
    /** Null without a connection. */
    rttMs(peerId: PeerId): number | null;
    /** The IP address, or name, of the peer's end of the connection. */
    remoteHost(peerId: PeerId): string | null;
  };
  readonly logger: Logger;
}

/**
 * Which lanes the engine has. One to a near peer is opened when a stage could have used it, for the stages after: a peer
 * invites over the connection that has proved who it is, see `Lanes` of the p2p package.
 */
export class StageLanes {
  readonly #asks: boolean;
  readonly #deps: StageLanesDeps;
  readonly #open = new Map<PeerId, number[]>();
  /** When one may be asked for again, milliseconds. */
  readonly #askAgainMs = new Map<PeerId, number>();
  /** When it may be invited again. */
  readonly #inviteAgainMs = new Map<PeerId, number>();

  constructor(options: StageLanesOptions, deps: StageLanesDeps) {
    this.#asks = options.asks;
    this.#deps = deps;
    const { protocol, engine } = deps;
    protocol.handle('lane', { request: z.null() }, async (_, { peerId }) => {
      const nowMs = performance.now();
      if (!options.invites || !this.#isNear(peerId) || this.#open.has(peerId)) return null;
      if ((this.#inviteAgainMs.get(peerId) ?? 0) > nowMs) return null;
      this.#inviteAgainMs.set(peerId, nowMs + INVITE_EVERY_MS);
      return engine.inviteLane(peerId);
    });
  }

  /** The lane to a peer; undefined while there is none. */
  to(peerId: PeerId): number | undefined {
    const lane = this.#open.get(peerId)?.[0];
    if (lane === undefined) void this.#ask(peerId);
    return lane;
  }

  opened({ peerId, lane }: LaneName): void {
    this.#open.set(peerId, [...(this.#open.get(peerId) ?? []), lane]);
    // By an invitation that outlived the connection: whoever sends over it could not be cut off.
    if (this.#deps.link.rttMs(peerId) === null) this.#close(peerId);
  }

  closed({ peerId, lane }: LaneName): void {
    const left = (this.#open.get(peerId) ?? []).filter((other) => other !== lane);
    if (left.length > 0) this.#open.set(peerId, left);
    else this.#open.delete(peerId);
  }

  /** The connection to a node broke; with the next one a lane may be asked for at once. */
  disconnected(peerId: PeerId): void {
    this.#askAgainMs.delete(peerId);
    this.#inviteAgainMs.delete(peerId);
    if (this.#open.has(peerId)) this.#close(peerId);
  }

  #close(peerId: PeerId): void {
    this.#deps.engine.closeLanes(peerId).catch(() => {});
  }

  async #ask(peerId: PeerId): Promise<void> {
    const { protocol, engine, link, logger } = this.#deps;
    const nowMs = performance.now();
    if (!this.#asks || !this.#isNear(peerId) || (this.#askAgainMs.get(peerId) ?? 0) > nowMs) return;
    this.#askAgainMs.set(peerId, nowMs + RETRY_MS);
    try {
      const host = link.remoteHost(peerId);
      if (host === null) return;
      const invitation = await protocol.call(peerId, 'lane', null, {
        response: invitationSchema,
        timeoutMs: OPEN_TIMEOUT_MS,
      });
      if (invitation !== null) await engine.connectLane({ peerId, host, invitation });
    } catch (error) {
      logger.debug('no lane', { peerId, code: errorCode(error) });
    }
  }

  #isNear(peerId: PeerId): boolean {
    const rttMs = this.#deps.link.rttMs(peerId);
    return rttMs !== null && rttMs < MAX_RTT_MS;
  }
}
