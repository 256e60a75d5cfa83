import type { PeerId } from '@blyan/interface';
import type { AwaitedRow, Forward, LaneName } from '../src/messages.ts';
import { RowLanes } from '../src/row-lanes.ts';
import { type MemoryNetwork, turnOfLoop } from './memory-network.ts';

/** What an engine of a test knows of lanes: those of the node that it works for now. */
export class EngineLanes {
  rows: RowLanes | null = null;
  /** Turns of the event loop until the main thread hears of what was begun with a row. */
  turns: () => number = () => 0;

  async take<T>(row: AwaitedRow, use: (row: Float32Array<ArrayBuffer>) => Promise<T>): Promise<T> {
    const result = await (this.rows as RowLanes).take(row, use);
    for (let turn = this.turns(); turn > 0; turn--) await turnOfLoop();
    return result;
  }

  forward(
    ...args: [Forward, { position: number; epoch?: number; wanted?: number }, number, Float32Array<ArrayBuffer>]
  ) {
    return this.rows?.forward(...args) ?? false;
  }
}

export interface MemoryLanesDeps {
  readonly network: MemoryNetwork;
  /** The lanes of another node; undefined when it is not there. */
  readonly of: (peerId: PeerId) => MemoryLanes | undefined;
  readonly frame: (frame: LaneName & { body: Uint8Array }) => Promise<void>;
  readonly closed: (lane: LaneName) => void;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

let next = 1;

/** Of what is asked for, how much comes too late. */
const LATE = 0.3;

/** The lanes of a node in a network in memory: there as soon as one is asked for, or a little later. */
export class MemoryLanes {
  readonly rows: RowLanes;
  readonly #self: PeerId;
  readonly #deps: MemoryLanesDeps;
  readonly #open = new Map<PeerId, number>();
  #arrived = Promise.resolve();

  constructor(self: PeerId, deps: MemoryLanesDeps) {
    this.#self = self;
    this.#deps = deps;
    this.rows = new RowLanes({
      send: (lane, parts) => this.#send(lane, new Uint8Array(Buffer.concat(parts))),
      // As a message of the engine's thread: after those before it.
      pass: (frame) => {
        this.#arrived = this.#arrived.then(turnOfLoop);
        return this.#arrived.then(() => deps.frame(frame));
      },
    });
  }

  to(peerId: PeerId): number | undefined {
    const other = this.#deps.of(peerId);
    if (other && !this.#open.has(peerId)) {
      const lane = next++;
      this.#open.set(peerId, lane);
      other.#open.set(this.#self, lane);
    }
    return this.#deps.random() < LATE ? undefined : this.#open.get(peerId);
  }

  disconnected(peerId: PeerId): void {
    const lane = this.#open.get(peerId);
    this.#open.delete(peerId);
    if (lane !== undefined) this.#deps.closed({ peerId, lane });
  }

  #send(lane: number, body: Uint8Array<ArrayBuffer>): boolean {
    const { network, of } = this.#deps;
    for (const [peerId, open] of this.#open) {
      if (open !== lane) continue;
      const frame = network.onFrame(this.#self, peerId, body);
      if (frame === null) return true;
      const deliver = () => {
        const other = of(peerId);
        if (other !== undefined && other.#open.get(this.#self) === lane)
          void other.rows.receive(this.#self, lane, new Uint8Array(frame));
      };
      network.send(this.#self, peerId, deliver, ' lane').catch(() => {});
      return true;
    }
    return false;
  }
}
