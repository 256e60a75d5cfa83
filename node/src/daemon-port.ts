import type { Logger, Service } from '@blyan/interface';
import type { NodeConfig } from './config/node-config.ts';

/** What a daemon says once it serves: the ready event, and where its metrics are. */
export interface ReadyInfo {
  /** `http://host:port` without a trailing slash; null when this process has no gateway. */
  readonly gateway: string | null;
  readonly metrics: string | null;
  readonly peerId: string;
  readonly invite: string;
  readonly networkId: string;
}

/** The composed daemon as the command line sees it. The data directory is open and locked before it is made. */
export interface NodeDaemon extends Service {
  /** Settles after `start` as soon as the node is connected, hosts what it is to host and listens; rejects when it cannot. */
  ready(): Promise<ReadyInfo>;
}

export interface NodeDaemonDeps {
  readonly logger: Logger;
  /** What the operator's commands show the gateway; without one they are refused. */
  readonly operatorToken?: string;
}

export type CreateNode = (config: NodeConfig, deps: NodeDaemonDeps) => NodeDaemon | Promise<NodeDaemon>;
