import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { NodeError } from '../errors.ts';
import { type DaemonCommand, DaemonProcess, describeExit, type ReadyEvent } from './daemon-process.ts';

export interface NetworkDeps {
  /** Talk for the user: deaths, warnings of the daemons, what is waited for. */
  readonly report: (text: string) => void;
  /** Turns a daemon's log line into what is shown of it; null hides it. */
  readonly showLogLine: (line: string) => string | null;
  readonly signal: AbortSignal;
}

export interface NetworkOptions {
  /** How long a daemon may take to stop before it is killed; 15 s by default. */
  readonly stopDeadlineMs?: number;
}

export interface NetworkNode extends ReadyEvent {
  readonly pid: number;
}

const STOP_DEADLINE_MS = 15_000;
const READY_POLL_MS = 100;
const READY_POLL_TIMEOUT_MS = 5_000;
const READY_NOTE_EVERY_MS = 10_000;

/**
 * Several daemons, each its own process. One that dies is reported and left dead; the others go on. The first one is the
 * coordinator: it starts alone and the others join through its invite.
 */
export class Network {
  readonly #deps: NetworkDeps;
  readonly #stopDeadlineMs: number;
  readonly #processes: DaemonProcess[] = [];
  #stopping = false;

  constructor(options: NetworkOptions, deps: NetworkDeps) {
    this.#stopDeadlineMs = options.stopDeadlineMs ?? STOP_DEADLINE_MS;
    this.#deps = deps;
  }

  /**
   * Starts the daemons and settles when each is ready.
   * @param commandOf makes the command of node i; the invite is undefined for node 0
   * @throws ERR_NODE_CHILD_FAILED with the last words of the first one that ended early
   */
  async start(
    count: number,
    commandOf: (index: number, invite: string | undefined) => Promise<DaemonCommand>,
  ): Promise<NetworkNode[]> {
    const first = await this.#launch(await commandOf(0, undefined));
    const others: Promise<NetworkNode>[] = [];
    for (let index = 1; index < count; index++) {
      const launched = this.#launch(await commandOf(index, first.invite));
      // It is looked at when all are on their way; until then its failure is nobody's.
      launched.catch(() => {});
      others.push(launched);
    }
    return [first, ...(await Promise.all(others))];
  }

  /**
   * Settles when the gateway answers `/readyz` with 200, that is, every block of the model is reachable, or says that
   * nothing lacks but what is expected to.
   */
  async untilServing(gateway: string, expectedMissing: readonly string[] = []): Promise<void> {
    const { signal, report } = this.#deps;
    for (let waitedMs = 0; ; waitedMs += READY_POLL_MS) {
      signal.throwIfAborted();
      if (this.#processes[0]?.isGone === true)
        throw new NodeError('ERR_NODE_CHILD_FAILED', 'The coordinator ended before the network was ready.');
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(READY_POLL_TIMEOUT_MS)]);
      const response = await fetch(`${gateway}/readyz`, { signal: bounded }).catch(() => null);
      if (response?.status === 200) return await response.body?.cancel();
      const text = (await response?.text().catch(() => '')) ?? 'no answer';
      if (expectedMissing.length > 0 && (await lacksOnly(gateway, expectedMissing, bounded))) return;
      if (waitedMs > 0 && waitedMs % READY_NOTE_EVERY_MS === 0)
        report(`waiting for the network: ${text.slice(0, 500)}`);
      await delay(READY_POLL_MS, undefined, { signal });
    }
  }

  /** Settles when no daemon is left. */
  async allGone(): Promise<void> {
    await Promise.all(this.#processes.map((daemon) => daemon.exited));
  }

  /** Asks every daemon to stop, the coordinator first, whose answers need the others; idempotent and always ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const [first, ...others] = this.#processes;
    await first?.stop(this.#stopDeadlineMs);
    await Promise.all(others.map((daemon) => daemon.stop(this.#stopDeadlineMs)));
  }

  /** At once, without waiting. */
  kill(): void {
    this.#stopping = true;
    for (const daemon of this.#processes) daemon.kill();
  }

  async #launch(command: DaemonCommand): Promise<NetworkNode> {
    const { report, showLogLine, signal } = this.#deps;
    signal.throwIfAborted();
    const daemon = DaemonProcess.start(command, (line) => {
      const shown = showLogLine(line);
      if (shown !== null) report(`[${command.label}] ${shown}`);
    });
    this.#processes.push(daemon);
    const ready = await daemon.ready;
    void daemon.exited.then((exit) => {
      if (!this.#stopping && !signal.aborted) {
        report(
          `[${command.label}] process ${daemon.pid} is gone: ${describeExit(exit)}. The others go on. Its log: ${command.logPath}`,
        );
      }
    });
    return { ...ready, pid: daemon.pid };
  }
}

const stateSchema = z.object({ models: z.array(z.object({ missing: z.array(z.string()) })).min(1) });

async function lacksOnly(gateway: string, expected: readonly string[], signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${gateway}/api/v1/state`, { signal });
    const { models } = stateSchema.parse(await response.json());
    return models.every(({ missing }) => missing.every((label) => expected.includes(label)));
  } catch {
    return false;
  }
}
