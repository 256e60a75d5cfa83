import { type AnswerJournal, type Chain, type Coordinator, type Logger, systemClock } from '@blyan/interface';
import { LevelStore } from '@blyan/store';
import type { NodeConfig } from '../config/node-config.ts';
import type { ReadyInfo } from '../daemon-port.ts';
import type { DataDirPaths } from '../data-dir/data-dir.ts';
import { VERSION } from '../version.ts';
import { UnsettledFile } from './unsettled-file.ts';

export interface NodeGatewayDeps {
  readonly coordinator: Coordinator;
  readonly journal: AnswerJournal;
  readonly chain: Chain | undefined;
  readonly operatorToken: string | undefined;
  readonly logger: Logger;
  /** Gets what undoes each step, in the order of the steps. */
  readonly undo: (() => unknown)[];
}

/**
 * The gateway of a daemon, if it is to have one, with its store of accounts and its ledger, and what stops it, as often as it is
 * called.
 *
 * @param paths `accounts` the folder of sessions and API keys, `ledger` and `unsettled` files
 * @throws what `Gateway.start` throws; ERR_STORE_LOCKED, ERR_STORE_CORRUPT; what opening the ledger throws
 */
export async function startGateway(
  config: NodeConfig,
  paths: Pick<DataDirPaths, 'accounts' | 'ledger' | 'unsettled'>,
  { undo, ...deps }: NodeGatewayDeps,
  signal: AbortSignal,
): Promise<Pick<ReadyInfo, 'gateway' | 'metrics'> & { readonly stop: () => Promise<void> }> {
  if (config.gateway === null) return { gateway: null, metrics: null, stop: async () => {} };
  // Nodes without a gateway start in less time for not loading one.
  const [{ createGateway }, { DoubleEntryLedger, PostgresStore, SqliteStore }] = await Promise.all([
    import('@blyan/gateway'),
    import('@blyan/ledger'),
  ]);
  const { authStore } = config;
  const accounts = authStore === undefined ? await LevelStore.open({ dir: paths.accounts }) : undefined;
  undo.push(() => accounts?.close());
  const isShared = config.ledger !== undefined;
  const store =
    config.ledger === undefined ? new SqliteStore({ path: paths.ledger }) : new PostgresStore({ url: config.ledger });
  const ledger = new DoubleEntryLedger({ store, clock: systemClock });
  undo.push(() => ledger.stop());
  await ledger.start(signal);
  const { auth, origin, proxies, ethereumRpc, chainIds } = config;
  const limits = config.limits === undefined ? undefined : config.limits === 'on';
  const gateway = createGateway({
    ...deps,
    ...config.gateway,
    ...{ accounts, auth, limits, origin, proxies, ethereumRpc, authStore, chainIds: chainIds.map(Number) },
    ...{
      ledger: { ledger, store, isShared, unsettled: new UnsettledFile(paths.unsettled) },
      charge: config.charge === 'on',
      prices: config.prices,
    },
    ...{ version: VERSION, metrics: config.metrics ?? 'off', maxConcurrentAnswers: config.maxStreams },
    drainMs: config.drainMs,
  });
  undo.push(() => gateway.stop());
  await gateway.start(signal);
  return { gateway: gateway.address(), metrics: gateway.metricsAddress(), stop: () => gateway.stop() };
}
