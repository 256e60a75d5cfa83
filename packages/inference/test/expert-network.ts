import { silentLogger } from '@blyan/interface';
import { P2pError, type PeerProtocol } from '@blyan/p2p';
import { PeerHealth, type Plan, RetryBudget, type RetryBudgetOptions } from '@blyan/routing';
import {
  type ExpertCallContext,
  ExpertCaller,
  type HolderPort,
  type HolderReplaced,
  PeerFaults,
  type RemoteExpertCall,
} from '../src/index.ts';
import { decodeExperts, type ExpertsFrame, encodeOutput } from '../src/wire.ts';

export const HIDDEN = 4;
/** What a right holder answers for a value of a row: no two experts give the same. */
export const expertOf = (layer: number, expert: number, value: number): number => value * 2 + layer * 100 + expert;

export interface Asked {
  readonly peerId: string;
  readonly frame: ExpertsFrame;
  /** Aborts when the caller gives the call up. */
  readonly signal: AbortSignal;
}
/** How a holder answers: rows, nothing at all (a promise that does not settle), or an error. */
export type Behaviour = (asked: Asked) => Promise<Float32Array<ArrayBuffer>>;

export const right: Behaviour = async ({ frame }) => {
  const { layer, groups, rows } = frame;
  const values = groups.flatMap(({ expert, rows: members }) =>
    members.flatMap((row) =>
      Array.from(rows.subarray(row * HIDDEN, (row + 1) * HIDDEN), (value) => expertOf(layer, expert, value)),
    ),
  );
  return Float32Array.from(values);
};
export const never: Behaviour = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
export const gone: Behaviour = async ({ peerId }) => {
  throw new P2pError('ERR_P2P_PEER_GONE', 'gone', { kind: 'peer', meta: { peerId } });
};

/** Holders of experts that behave as a test wants, and a caller with everything it needs to ask them. */
export class ExpertNetwork {
  readonly asked: Asked[] = [];
  readonly behaviours = new Map<string, Behaviour>();
  readonly replaced: HolderReplaced[] = [];
  readonly penalties: { peerId: string; points: number; code: string }[] = [];
  readonly pings: string[] = [];
  /** Peers whose main thread hangs. */
  readonly hanging = new Set<string>();
  readonly abort = new AbortController();
  readonly health: PeerHealth;
  readonly faults: PeerFaults;
  readonly caller: ExpertCaller;
  /** Of the live views, any expert. */
  live: string[] = [];
  /** Added to the real time. */
  skippedMs = 0;
  readonly #changes = new Set<() => void>();

  constructor(budget: RetryBudgetOptions = {}) {
    const clock = { nowMs: () => performance.now() + this.skippedMs };
    this.health = new PeerHealth(clock);
    this.faults = new PeerFaults({
      self: 'self',
      health: this.health,
      penalize: (peerId, points, code) => this.penalties.push({ peerId, points, code }),
      nuisance: () => {},
    });
    const port: HolderPort = {
      rttMs: () => 1,
      ping: async (peerId) => {
        this.pings.push(peerId);
        if (this.hanging.has(peerId)) throw new P2pError('ERR_P2P_TIMEOUT', 'late', { kind: 'peer' });
        return 1;
      },
      holders: () => this.live,
      change: (_timeoutMs, signal) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#changes.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
        return promise;
      },
    };
    const protocol = {
      callRaw: async (
        peerId: string,
        _method: string,
        body: readonly Uint8Array[],
        options: { signal: AbortSignal },
      ) => {
        const asked = { peerId, frame: decodeExperts(Buffer.concat(body)), signal: options.signal };
        this.asked.push(asked);
        const rows = await (this.behaviours.get(peerId) ?? right)(asked);
        return new Uint8Array(Buffer.concat([...encodeOutput({ ms: 1, rows })]));
      },
    } as unknown as PeerProtocol;
    const deps = { protocol, port, health: this.health, blame: this.faults, clock, logger: silentLogger };
    this.caller = new ExpertCaller({ self: 'self' }, { ...deps, budget: new RetryBudget(clock, budget) });
  }

  /** Calls whose waits ended, in the order they were made. */
  changed(): void {
    for (const resolve of this.#changes) resolve();
    this.#changes.clear();
  }

  get isWaiting(): boolean {
    return this.#changes.size > 0;
  }

  /** @param experts [expert] -> holders, the same on every layer */
  context(experts: readonly (readonly string[])[]): ExpertCallContext {
    const plan: Plan = {
      ...{ type: 'dynamic', modelRoot: 'ab'.repeat(32), profile: 'p', mixedProfile: false, fallbackOrder: [] },
      ...{ embedding: 'self', head: 'self', stages: [{ peerId: 'self', firstLayer: 0, lastLayer: 3 }] },
      experts: [experts, experts, experts, experts],
    };
    const onReplaced = (replaced: HolderReplaced) => void this.replaced.push(replaced);
    return { plan, hiddenSize: HIDDEN, tallies: [], signal: this.abort.signal, onReplaced };
  }

  /** Calls every expert with both of two rows. @throws unless the answer is right */
  async ask(experts: readonly (readonly string[])[], layer = 0): Promise<void> {
    const outputs = await this.caller.call(this.context(experts), callOf(experts.length, layer));
    expectRight(outputs, layer);
  }
}

export function callOf(experts: number, layer = 0): RemoteExpertCall {
  const rows = Float32Array.from({ length: 2 * HIDDEN }, (_, at) => at + 1);
  return { layer, rows, groups: Array.from({ length: experts }, (_, expert) => ({ expert, rows: [0, 1] })) };
}

function expectRight(outputs: readonly Float32Array[], layer: number): void {
  outputs.forEach((output, expert) => {
    const wanted = Array.from(callOf(1).rows, (value) => expertOf(layer, expert, value));
    if (JSON.stringify([...output]) !== JSON.stringify(wanted)) throw new Error(`expert ${expert} gave ${output}`);
  });
}
