import type { AuthMode } from '@blyan/api';
import type { Endpoint } from './endpoint.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What one daemon is told. Fields are set from the settings table; see `settings.ts` for defaults and names. */
export interface NodeConfig {
  /** Absolute path. */
  readonly dataDir: string;
  /** Name or root of the model to serve; unset: the only model of the data directory or of the network joined. */
  readonly model?: string;
  /** Genesis folder with the first model of a new network; unset: the one of this program. */
  readonly genesisDir?: string;
  /** Which blocks to host (SPEC). */
  readonly host: string;
  /** Multiaddrs to listen on. */
  readonly listen: readonly string[];
  /** Multiaddrs told to peers instead of the listening ones; empty: the listening ones. */
  readonly announce: readonly string[];
  /** Multiaddrs or invite strings. */
  readonly bootstrap: readonly string[];
  readonly mdns: boolean;
  /** Whether engines of near nodes may send rows straight to this one's, and it to theirs. */
  readonly lanes: boolean;
  /** Null: no HTTP gateway in this process. */
  readonly gateway: Endpoint | null;
  /** Who gets answers there; undefined: everybody on loopback without another origin, elsewhere those who signed in. */
  readonly auth?: AuthMode;
  /** Whether rates and quotas are enforced there; undefined: where signing in is required. */
  readonly limits?: 'on' | 'off';
  /** Whether those who signed in pay for answers there. */
  readonly charge: 'on' | 'off';
  /** Prices of tokens, as `MODEL=PROMPT/COMPLETION/CACHED`. */
  readonly prices: readonly string[];
  /** Where people reach the gateway and sign in; undefined: its loopback address. */
  readonly origin?: string;
  /** Proxies of the operator between clients and the gateway. */
  readonly proxies: number;
  /** JSON-RPC of an Ethereum node, for wallets that are contracts. */
  readonly ethereumRpc?: string;
  /** URL of the PostgreSQL database of the ledger; undefined: a file of the data folder. */
  readonly ledger?: string;
  /** URL of the Redis that keeps sessions and API keys; undefined: the data folder does. */
  readonly authStore?: string;
  /** EIP-155 ids, in decimal digits. */
  readonly chainIds: readonly string[];
  readonly metrics: Endpoint | null;
  readonly provider: Provider;
  /** Threads that compute; undefined: the cores but one, at most 8. */
  readonly threads?: number;
  /** Most answers at once, of the gateway and of sequences computed here; undefined: 64 and 256. */
  readonly maxStreams?: number;
  /** How long the gateway's answers may go on once the node is told to stop, milliseconds. */
  readonly drainMs: number;
  /** Bound of the KV cache, kept prefixes included; undefined: an eighth of the machine's memory, 2 GiB at most. */
  readonly kvBudgetBytes?: number;
  /** Bound of the engine's session cache; undefined: a share of the machine's memory. */
  readonly sessionCacheBytes?: number;
  /** Bound of `DATA/blocks`; undefined: the disk. */
  readonly storeQuotaBytes?: number;
  /** Keep every block of the chain, and replay it instead of beginning from a snapshot. */
  readonly archive: boolean;
  /** Epochs of the chain that are kept without `archive`. */
  readonly keepEpochs: number;
  /** Epochs from one snapshot of the chain to the next. */
  readonly snapshotEpochs: number;
  readonly logLevel: LogLevel;
  /** False: there is no engine, and whatever is to be computed is computed elsewhere. No setting: the program decides. */
  readonly computes: boolean;
  readonly json: boolean;
}
