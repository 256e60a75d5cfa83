import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NetworkState } from '@blyan/interface';
import type { BenchRun } from '../benchmark.ts';
import { Daemon } from './daemon.ts';

const POLL_MS = 250;
/** The first pings go out at once, the next one two seconds after. */
const MORE_PINGS_MS = 2500;

export interface LocalNetworkOptions {
  /** Round trip added to every link between nodes. */
  readonly delayMs: number;
  /** 3 by default. */
  readonly nodes?: number;
  /** What each node hosts; shared out evenly by default. */
  readonly hosts?: readonly string[];
  /** Of each node that compute; the nodes share the cores by default. */
  readonly threads?: number;
  /** A data folder with the model in it, and the model's name; the genesis model by default. */
  readonly model?: { readonly dataDir: string; readonly name: string };
}

/** The genesis model's name in a local network. */
export const GENESIS_MODEL = 'blyan';

/** A genesis of an earlier version is none: each start has a network of its own, and with it a chain of its own. Blocks stay. */
export async function forgetNetwork(dataDir: string, nodes = 0): Promise<void> {
  await rm(join(dataDir, 'genesis.cbor'), { force: true });
  await rm(join(dataDir, 'chain'), { recursive: true, force: true });
  for (let index = 0; index < nodes; index++)
    await rm(join(dataDir, `node-${index}`, 'chain'), { recursive: true, force: true });
}

/** Daemons on this machine, each its own process: a coordinator with the first layers, and others with the rest. */
export class LocalNetwork implements AsyncDisposable {
  readonly model: string;
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon, model: string) {
    this.#daemon = daemon;
    this.model = model;
  }

  static async start(run: BenchRun, options: LocalNetworkOptions): Promise<LocalNetwork> {
    const { delayMs, nodes = 3, hosts, threads, model } = options;
    const dataDir = model?.dataDir ?? join(run.workDir, 'genesis-network');
    await forgetNetwork(dataDir, nodes);
    const args = ['devnet', '--nodes', String(nodes), '--data-dir', dataDir, '--gateway', '127.0.0.1:0'];
    if (hosts) args.push('--host', hosts.join(';'));
    if (threads !== undefined) args.push('--threads', String(threads));
    if (model) args.push('--model', model.name);
    if (delayMs > 0) args.push('--link-delay-ms', String(delayMs));
    return new LocalNetwork(await Daemon.start(args, run.signal), model?.name ?? GENESIS_MODEL);
  }

  get gateway(): string {
    return this.#daemon.ready.gateway;
  }

  async state(signal: AbortSignal): Promise<NetworkState> {
    const response = await fetch(`${this.gateway}/api/v1/state`, { signal });
    return (await response.json()) as NetworkState;
  }

  /**
   * Mean round trip from the coordinator to the others in milliseconds, as its own pings measure it: same links, same proxies,
   * encryption and multiplexing included. Waits for a few pings.
   */
  async roundTripMs(signal: AbortSignal): Promise<number> {
    await delay(MORE_PINGS_MS, undefined, { signal });
    for (;;) {
      const { nodes } = await this.state(signal);
      const others = nodes.filter(({ self }) => !self).map(({ rttMs }) => rttMs);
      if (others.length > 0 && others.every((rttMs) => rttMs !== null)) {
        return others.reduce((sum: number, rttMs) => sum + (rttMs ?? 0), 0) / others.length;
      }
      await delay(POLL_MS, undefined, { signal });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#daemon[Symbol.asyncDispose]();
  }
}
