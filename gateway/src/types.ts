import type { AuthMode } from '@blyan/api';
import type { AnswerJournal, Chain, Clock, Coordinator, KeyValueStore, Ledger, Logger } from '@blyan/interface';
import type { LedgerStore } from '@blyan/ledger';
import type { Registry } from 'prom-client';

export interface Listen {
  /** `localhost` is 127.0.0.1. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
}

export interface GatewayOptions extends Listen {
  /** Own listener of `/metrics`; `off` by default. */
  readonly metrics?: Listen | 'off';
  readonly version: string;
  /** Folder of the built chat page; by default the one of this package. */
  readonly webDir?: string;
  /** Further names a client may use in its Host header while the gateway listens on loopback. */
  readonly allowedHosts?: readonly string[];
  /** Answers generated at the same time, streamed or not; more are refused with 429. Default 64. */
  readonly maxConcurrentAnswers?: number;
  /** Quiet time after which a stream gets a comment, milliseconds. Default 15,000. */
  readonly keepAliveMs?: number;
  /** A client that takes nothing of its stream for so long is cut off, milliseconds. Default 60,000. When no slot is free, it gives way after a twelfth. */
  readonly stallTimeoutMs?: number;
  /** Longest that a client may take to send a request, its body included, milliseconds. Default 30,000. Its headers may take a third of it. */
  readonly requestTimeoutMs?: number;
  /** Connections open at the same time; more are closed at once. Default 4096. */
  readonly maxConnections?: number;
  /** Clients that watch the chain at the same time; more are refused with 429. Default 64. */
  readonly maxWatchers?: number;
  /** Who gets answers; by default `optional` on loopback, `required` on any other address. */
  readonly auth?: AuthMode;
  /** Whether rates and quotas are enforced; by default where signing in is required. */
  readonly limits?: boolean;
  /** Where people reach the gateway, as `https://chat.example.org`; by default its address on loopback, and nowhere else. */
  readonly origin?: string;
  /** Proxies of one's own between clients and the gateway: clients are known by what the outermost of them writes into X-Forwarded-For. Default 0. */
  readonly proxies?: number;
  /** EIP-155 ids of the chains that wallets may be on to sign in. Default: 1. */
  readonly chainIds?: readonly number[];
  /** JSON-RPC of an Ethereum node, which wallets that are contracts (EIP-1271) need to sign in. */
  readonly ethereumRpc?: string;
  /** URL of a Redis (`rediss://:password@host`) that keeps sessions, API keys and challenges for several gateways. */
  readonly authStore?: string;
  /** Whether those who signed in pay for answers from their credits; by default not: what they use is written down all the same. */
  readonly charge?: boolean;
  /** Prices as `MODEL=PROMPT/COMPLETION/CACHED`; see `parsePrices`. */
  readonly prices?: readonly string[];
  /** What the operator's commands on this machine show; without one they are refused. */
  readonly operatorToken?: string;
  /** How long `stop` lets running answers finish while it tells new ones to come again, milliseconds. Default 5,000. */
  readonly drainMs?: number;
}

export interface GatewayLedger {
  readonly ledger: Ledger;
  /** What that is kept in, to be read. */
  readonly store: LedgerStore;
  /** Whether other gateways write to it as well; by default not. */
  readonly isShared?: boolean;
  /** Keeps ends of answers that it does not take before the gateway stops; without one they are lost, and logged. */
  readonly unsettled?: UnsettledStore;
}

/** A text of one gateway that outlives it. */
export interface UnsettledStore {
  /** Empty where there is none. */
  read(): Promise<string>;
  /** On disk when this settles. */
  write(text: string): Promise<void>;
}

export interface GatewayDeps {
  readonly coordinator: Coordinator;
  /** Without one no answer can be resumed. */
  readonly journal?: AnswerJournal;
  /** Without one the routes of the chain answer 503. */
  readonly chain?: Chain;
  /** Where sessions and API keys are kept; without one, or `authStore`, they end with the process. The caller closes it. */
  readonly accounts?: KeyValueStore;
  /** Where answers are metered; without one they are not. The caller starts and stops it. */
  readonly ledger?: GatewayLedger;
  readonly clock?: Clock;
  readonly logger: Logger;
  /** Where further metrics of the process are registered; by default the gateway's own. */
  readonly registry?: Registry;
}
