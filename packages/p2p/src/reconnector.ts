import { type Clock, errorCode, type Logger, type PeerId } from '@blyan/interface';

const TICK_MS = 1000;
const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;
const MAX_TARGETS = 1024;
const MAX_PARALLEL_DIALS = 8;

export interface ReconnectTarget {
  /** A peer id, or the address itself when it names none. */
  readonly key: string;
  readonly peerId: PeerId | null;
  readonly addresses: readonly string[];
  /** Configured targets stay for good, learned ones until they are forgotten. */
  readonly configured: boolean;
}

export interface ReconnectorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  isConnected(peerId: PeerId): boolean;
  /** False when there are enough connections: then only configured targets are dialled. */
  wantsMore(): boolean;
  /** Connects by one address; resolves to the peer that answered there. */
  dial(address: string): Promise<PeerId>;
  onFailure(target: ReconnectTarget, error: unknown): void;
}

interface TargetState {
  target: ReconnectTarget;
  /** Who answered at a configured address that names no peer. */
  answeredBy: PeerId | null;
  failures: number;
  dueAtMs: number;
  dialling: boolean;
}

/** Milliseconds to wait after this many failures in a row: doubling from one second up to half a minute. */
export function backoffMs(failures: number): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, failures - 1));
}

/** Keeps connections to bootstrap addresses and to the nodes learned from records and the LAN. */
export class Reconnector {
  readonly #deps: ReconnectorDeps;
  readonly #targets = new Map<string, TargetState>();
  #timer: NodeJS.Timeout | null = null;
  #dialling = 0;

  constructor(deps: ReconnectorDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /**
   * Adds or updates a target. With `delayMs` the first dial waits, so that of two nodes only one dials the other.
   *
   * @returns true when the target or its addresses are news
   */
  offer(target: ReconnectTarget, delayMs = 0): boolean {
    const known = this.#targets.get(target.key);
    if (known !== undefined) {
      const isNews = known.target.addresses.join() !== target.addresses.join();
      if (!known.target.configured || target.configured) known.target = target;
      return isNews;
    }
    if (this.#targets.size >= MAX_TARGETS) return false;
    const dueAtMs = this.#deps.clock.nowMs() + delayMs;
    this.#targets.set(target.key, { target, answeredBy: null, failures: 0, dueAtMs, dialling: false });
    if (delayMs === 0 && this.#timer !== null) this.tick();
    return true;
  }

  forget(key: string): void {
    if (this.#targets.get(key)?.target.configured === false) this.#targets.delete(key);
  }

  /** A lost connection is tried again soon, whatever happened before. */
  retrySoon(peerId: PeerId): void {
    for (const state of this.#targets.values()) {
      if (state.target.peerId !== peerId && state.answeredBy !== peerId) continue;
      state.failures = 0;
      state.dueAtMs = this.#deps.clock.nowMs() + FIRST_BACKOFF_MS;
    }
  }

  tick(): void {
    const now = this.#deps.clock.nowMs();
    for (const state of this.#targets.values()) {
      if (this.#dialling >= MAX_PARALLEL_DIALS) return;
      const peerId = state.target.peerId ?? state.answeredBy;
      if (!state.target.configured && !this.#deps.wantsMore()) continue;
      if (state.dialling || state.dueAtMs > now || (peerId !== null && this.#deps.isConnected(peerId))) continue;
      void this.#dial(state);
    }
  }

  async #dial(state: TargetState): Promise<void> {
    state.dialling = true;
    this.#dialling++;
    let failure: unknown = null;
    try {
      for (const address of state.target.addresses) {
        try {
          state.answeredBy = await this.#deps.dial(address);
          state.failures = 0;
          state.dueAtMs = this.#deps.clock.nowMs() + FIRST_BACKOFF_MS;
          return;
        } catch (error) {
          failure = error;
        }
      }
      state.failures++;
      state.dueAtMs = this.#deps.clock.nowMs() + backoffMs(state.failures);
      this.#deps.logger.debug('dial failed', {
        target: state.target.key,
        code: errorCode(failure),
        failures: state.failures,
      });
      this.#deps.onFailure(state.target, failure);
    } finally {
      state.dialling = false;
      this.#dialling--;
    }
  }
}
