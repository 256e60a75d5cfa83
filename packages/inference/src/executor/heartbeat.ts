import type { PeerId } from '@blyan/interface';
import { BeatPatience } from './beat-patience.ts';
import { HEARTBEAT_INTERVAL_MS } from './deadlines.ts';
import { lossReason } from './loss-reason.ts';

/** This loop was held up itself by so much: silence then says nothing about the peer. */
const OWN_DELAY_MS = 100;
/** Peers whose history is kept while nobody watches them. */
const MAX_HISTORIES = 256;

export interface HeartbeatDeps {
  /** Asks for a sign of life. @throws when there is none in time */
  readonly ask: (peerId: PeerId, timeoutMs: number, signal: AbortSignal) => Promise<void>;
  readonly onLost: (peerId: PeerId, reason: 'silent' | 'gone') => void;
}

interface Watched {
  watchers: number;
  readonly stopped: AbortController;
}

/**
 * Asks every node that works for an answer of this one for a sign of life, on a timer of its own: a process that hangs
 * keeps its connections, and an answer says nothing while a long step is computed.
 */
export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  readonly #peers = new Map<PeerId, Watched>();
  readonly #histories = new Map<PeerId, BeatPatience>();

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** @returns ends the watch; a peer is asked while anybody watches it */
  watch(peerId: PeerId): () => void {
    let watched = this.#peers.get(peerId);
    if (!watched) {
      watched = { watchers: 0, stopped: new AbortController() };
      this.#peers.set(peerId, watched);
      void this.#beat(peerId, watched.stopped.signal);
    }
    watched.watchers++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      if (--(watched as Watched).watchers > 0) return;
      (watched as Watched).stopped.abort();
      this.#peers.delete(peerId);
    };
  }

  /** The one that was not needed for longest makes room. */
  #patienceFor(peerId: PeerId): BeatPatience {
    const patience = this.#histories.get(peerId) ?? new BeatPatience();
    this.#histories.delete(peerId);
    this.#histories.set(peerId, patience);
    for (const oldest of this.#histories.keys()) {
      if (this.#histories.size <= MAX_HISTORIES) break;
      this.#histories.delete(oldest);
    }
    return patience;
  }

  async #beat(peerId: PeerId, stopped: AbortSignal): Promise<void> {
    const patience = this.#patienceFor(peerId);
    let unreachable = 0;
    while (!stopped.aborted) {
      const started = performance.now();
      const { timeoutMs } = patience;
      try {
        await this.#deps.ask(peerId, timeoutMs, stopped);
        patience.took(performance.now() - started);
        unreachable = 0;
      } catch (error) {
        if (stopped.aborted) return;
        const lateMs = performance.now() - started - timeoutMs;
        const reason = lossReason(error);
        if (reason === 'silent') {
          if (lateMs < OWN_DELAY_MS) this.#deps.onLost(peerId, reason);
        } else if (reason !== 'gone') {
          // An error is a sign of life too, and nothing is known when this node may have no more calls to it.
          unreachable = 0;
        } else if (++unreachable > 1) {
          // The first time is the loss of a connection, of which the network itself tells.
          this.#deps.onLost(peerId, reason);
        }
      }
      await pause(HEARTBEAT_INTERVAL_MS, stopped);
    }
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stopped.addEventListener('abort', done, { once: true });
  });
}
