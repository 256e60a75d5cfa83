import { join, resolve } from 'node:path';
import { parseHostSpec } from '@blyan/routing';
import { DEVNET_DIR } from '../cli/find-gateway.ts';
import { type Endpoint, parseEndpoint } from '../config/endpoint.ts';
import { numberOption } from '../config/number-option.ts';
import { MAX_THREADS } from '../config/threads.ts';
import { usageError } from '../errors.ts';

export interface DevnetOptions {
  readonly nodeCount: number;
  /** Folder or name; undefined: the genesis model. */
  readonly model?: string;
  /** One SPEC per node; undefined: shared out evenly. */
  readonly hosts?: readonly string[];
  /** Absolute path. */
  readonly dataDir: string;
  /** Undefined: the default port, or a free one. */
  readonly gateway?: Endpoint;
  /** Round-trip time added to every link between nodes; 0 adds none. */
  readonly linkDelayMs: number;
  /** Of each node; undefined: they share the cores but one. */
  readonly threads?: number;
}

const MAX_NODES = 16;
const MAX_LINK_DELAY_MS = 10_000;

function parseHosts(text: string, nodeCount: number): string[] {
  const hosts = text.split(';').map((part) => part.trim());
  if (hosts.length !== nodeCount) {
    throw usageError(
      `--host: ${hosts.length} host specs for ${nodeCount} nodes. Give one per node, separated by ";", or set --nodes ${hosts.length}.`,
    );
  }
  hosts.forEach((host, index) => {
    try {
      parseHostSpec(host);
    } catch (error) {
      throw usageError(`--host, node ${index}: ${(error as Error).message}`, { cause: error });
    }
  });
  return hosts;
}

/** @throws ERR_NODE_USAGE naming the flag */
export function parseDevnetOptions(typed: Readonly<Record<string, unknown>>, cwd: string): DevnetOptions {
  const nodeCount = numberOption(typed.nodes ?? 3, '--nodes', { min: 1, max: MAX_NODES, integer: true });
  const delay = typed.linkDelayMs ?? 0;
  const threads = { min: 1, max: MAX_THREADS, integer: true };
  const gateway = typed.gateway === undefined ? undefined : parseEndpoint(typed.gateway as string, '--gateway');
  if (gateway === null)
    throw usageError('--gateway: a devnet has a gateway. Write HOST:PORT; port 0 takes any free one.');
  return {
    nodeCount,
    model: typed.model as string | undefined,
    hosts: typed.host === undefined ? undefined : parseHosts(typed.host as string, nodeCount),
    dataDir: resolve(cwd, (typed.dataDir as string | undefined) ?? join(cwd, DEVNET_DIR)),
    gateway,
    linkDelayMs: numberOption(delay, '--link-delay-ms', { min: 0, max: MAX_LINK_DELAY_MS, integer: false }),
    threads: typed.threads === undefined ? undefined : numberOption(typed.threads, '--threads', threads),
  };
}
