import { errorCode, type PeerId } from '@blyan/interface';
import { HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS } from './deadlines.ts';

/** This loop was held up itself by so much: silence then says nothing about the peer. */
const OWN_DELAY_MS = 100;

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

  async #beat(peerId: PeerId, stopped: AbortSignal): Promise<void> {
    let unreachable = 0;
    while (!stopped.aborted) {
      const started = performance.now();
      try {
        await this.#deps.ask(peerId, HEARTBEAT_TIMEOUT_MS, stopped);
        unreachable = 0;
      } catch (error) {
        if (stopped.aborted) return;
        const lateMs = performance.now() - started - HEARTBEAT_TIMEOUT_MS;
        if (errorCode(error) === 'ERR_P2P_TIMEOUT') {
          if (lateMs < OWN_DELAY_MS) this.#deps.onLost(peerId, 'silent');
        } else if (++unreachable > 1) {
          // The first time is the loss of a connection, of which the network itself tells.
          this.#deps.onLost(peerId, 'gone');
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
