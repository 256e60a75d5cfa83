import type { Socket } from 'node:net';
import type { PeerId } from '@blyan/interface';
import { isBrokenFrame } from '../on-fault.ts';
import { dialLane } from './dial-lane.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { LaneDoor, type LaneInvitation } from './lane-door.ts';

/** Most lanes with one peer: each side may open one, and one more while an old one ends. */
const MAX_LANES_PER_PEER = 4;

export interface LanesOptions extends LaneOptions {
  /** The address to let peers in at. */
  readonly host: string;
}

export interface LanesHandlers {
  onOpen(peerId: PeerId, lane: number): void;
  onMessage(peerId: PeerId, lane: number, body: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /** @param fault the code of what the peer sent, if that ended it */
  onClose(peerId: PeerId, lane: number, fault?: string): void;
}

/** The lanes of one thread, by number; numbers are not used again. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #handlers: LanesHandlers;
  readonly #door: LaneDoor;
  readonly #lanes = new Map<number, { readonly peerId: PeerId; readonly lane: Lane }>();
  #next = 1;

  constructor(options: LanesOptions, handlers: LanesHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#door = new LaneDoor(options.host, (peerId, socket) => this.#add(peerId, socket));
  }

  invite(peerId: PeerId): Promise<LaneInvitation> {
    return this.#door.invite(peerId);
  }

  /** @throws P2pError ERR_P2P_UNREACHABLE */
  async connect(request: { peerId: PeerId; host: string; invitation: LaneInvitation }): Promise<void> {
    const { peerId, host, invitation } = request;
    this.#add(peerId, await dialLane(host, invitation));
  }

  /** @returns false when it could not be sent; the lane is closed then */
  send(lane: number, parts: readonly Uint8Array[]): boolean {
    return this.#lanes.get(lane)?.lane.send(parts) ?? false;
  }

  /** Closes every lane with the peer. */
  close(peerId: PeerId): void {
    for (const entry of [...this.#lanes.values()]) if (entry.peerId === peerId) entry.lane.close();
  }

  async stop(): Promise<void> {
    for (const { lane } of [...this.#lanes.values()]) lane.close();
    await this.#door.stop();
  }

  #add(peerId: PeerId, socket: Socket): void {
    const theirs = [...this.#lanes.values()].filter((entry) => entry.peerId === peerId);
    if (theirs.length >= MAX_LANES_PER_PEER) {
      socket.destroy();
      return;
    }
    const number = this.#next++;
    const lane = new Lane(socket, this.#options, {
      onMessage: (body) => this.#handlers.onMessage(peerId, number, body),
      onClose: (reason) => {
        this.#lanes.delete(number);
        this.#handlers.onClose(peerId, number, isBrokenFrame(reason) ? reason.code : undefined);
      },
    });
    this.#lanes.set(number, { peerId, lane });
    this.#handlers.onOpen(peerId, number);
  }
}
