import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/cluster-node.ts';

export const FAULTS = ['kill', 'stop', 'slow', 'garbage'] as const;
/** `kill`: SIGKILL; `stop`: SIGSTOP; `slow`: runs one twentieth of the time; `garbage`: sends rows that cannot be. */
export type FaultName = (typeof FAULTS)[number];

/** A fault begins at once; `end` makes the node sound again and settles when its daemon is ready. */
export interface Fault {
  begin(node: ClusterNode): void;
  end(cluster: Cluster, node: ClusterNode): Promise<void>;
}

const GARBLE = fileURLToPath(new URL('./garble.ts', import.meta.url));
/** 5 ms of 100: 1 to 19. */
const RUNNING_MS = 5;
const SUSPENDED_MS = 95;

/** Modules that daemons must be started with for the faults to work. */
export const preloadFor = (faults: readonly FaultName[]): readonly string[] =>
  faults.includes('garbage') ? [GARBLE] : [];

export function makeFault(name: FaultName): Fault {
  if (name === 'kill') {
    return { begin: (node) => node.signal('SIGKILL'), end: (cluster, node) => cluster.restart(node) };
  }
  if (name === 'garbage') {
    // The daemon has loaded the module that hears this signal. Whoever lied is kept out for long, so another one comes.
    return { begin: (node) => node.signal('SIGUSR2'), end: (cluster, node) => cluster.replace(node) };
  }
  if (name === 'stop') {
    return { begin: (node) => node.signal('SIGSTOP'), end: async (_, node) => node.signal('SIGCONT') };
  }
  let timer: NodeJS.Timeout | undefined;
  const suspend = (node: ClusterNode): void => {
    node.signal('SIGSTOP');
    timer = setTimeout(() => run(node), SUSPENDED_MS);
  };
  const run = (node: ClusterNode): void => {
    node.signal('SIGCONT');
    timer = setTimeout(() => suspend(node), RUNNING_MS);
  };
  return {
    begin: suspend,
    async end(_, node) {
      clearTimeout(timer);
      node.signal('SIGCONT');
    },
  };
}
