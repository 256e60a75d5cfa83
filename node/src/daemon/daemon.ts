import { totalmem } from 'node:os';
import { join } from 'node:path';
import { createGateway, type Gateway } from '@blyan/gateway';
import { Engine, modelView, StoreSource } from '@blyan/inference';
import { errorCode, systemClock } from '@blyan/interface';
import { BlockExchange, encodeInvite, GenesisExchange, loadOrCreateIdentity, NodeRecords, P2pHost } from '@blyan/p2p';
import { RECORD_INTERVAL_MS } from '@blyan/params';
import type { MeasuredFigures, NodeAdvertisement } from '@blyan/routing';
import { BlockStore } from '@blyan/store';
import type { NodeConfig } from '../config/node-config.ts';
import type { NodeDaemon, NodeDaemonDeps, ReadyInfo } from '../daemon-port.ts';
import { dataDirPaths } from '../data-dir/data-dir.ts';
import { NodeError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { createExecutor, type Executor } from './executor.ts';
import { arithmeticProfile, probeTier } from './hardware.ts';
import { HealingSource } from './healing-source.ts';
import { HostedBlocks } from './hosted-blocks.ts';
import { isMeasurement, measureEngine, zeros } from './measure.ts';
import { keepGenesis, resolveMembership } from './network-membership.ts';
import { resolveModel } from './served-model.ts';

const MIB = 1024 * 1024;
/** KV cache: an eighth of the machine's memory, at most what the engine's heap can address. */
const KV_BYTES = Math.min(totalmem() / 8, 2048 * MIB);
const UNMEASURED: MeasuredFigures = { stepUs: 0, trunkUs: 0, expertUs: 0, headUs: 0, prefillRowUs: 0, bandwidthMBps: 0, messageUs: 0 };

/** Composes one daemon: store, network, engine, executor and gateway, started in this order and stopped in reverse. */
export async function createNode(config: NodeConfig, deps: NodeDaemonDeps): Promise<NodeDaemon> {
  const { logger } = deps;
  const paths = dataDirPaths(config.dataDir);
  const membership = await resolveMembership(paths.genesis, config.bootstrap);
  const { privateKey, peerId } = await loadOrCreateIdentity(paths.nodeKey);
  const profile = arithmeticProfile(config.provider);
  const store = new BlockStore({ dir: paths.blocks, quotaBytes: config.storeQuotaBytes }, { logger });
  const host = new P2pHost(
    {
      privateKey,
      networkId: membership.networkId,
      listen: config.listen,
      announce: config.announce,
      bootstrap: membership.bootstrap,
      mdns: config.mdns,
      joinSecret: membership.joinSecret,
      version: VERSION,
    },
    { logger, clock: systemClock },
  );
  const records = new NodeRecords({ host, privateKey, logger, clock: systemClock });
  const exchange = new BlockExchange({ partialDir: join(paths.root, 'partial') }, { host, store, logger });
  const genesis = new GenesisExchange(host, membership.genesis);
  const stopping = new AbortController();
  const undo: (() => Promise<void> | void)[] = [];
  const ready = Promise.withResolvers<ReadyInfo>();
  ready.promise.catch(() => undefined);
  let stopped: Promise<void> | null = null;

  return {
    async start(signal) {
      const abort = () => stopping.abort(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
      try {
        await begin();
      } catch (error) {
        ready.reject(error);
        await stop();
        throw error;
      }
    },
    ready: () => ready.promise,
    stop,
  };

  async function begin(): Promise<void> {
    const { signal } = stopping;
    await store.start(signal);
    undo.push(() => store.stop());
    await host.start(signal);
    undo.push(() => host.stop());
    await records.start();
    undo.push(() => records.stop());
    await exchange.tidy();
    if (!membership.genesis) await fetchGenesis(signal);
    const joins = membership.bootstrap.length > 0;
    const options = { model: config.model, invited: membership.modelRoot, blocksDir: paths.blocks, joins };
    const manifest = await resolveModel(options, { store, host, exchange, logger }, signal);

    const views = () => records.records();
    const hosted = new HostedBlocks(manifest, { host: config.host, blocksDir: paths.blocks }, { store, exchange, views, logger });
    undo.push(() => hosted.stop());
    const source = new HealingSource({ source: new StoreSource(store), heal: (root, healing) => hosted.heal(root, healing), logger });
    let executor: Executor | null = null;
    const engine = new Engine(
      { kvBytes: KV_BYTES, sessionBytes: config.sessionCacheBytes ?? totalmem() / 2, provider: config.provider },
      {
        logger,
        acquire: (root) => source.acquire(root),
        remote: async ({ sequences, call, fresh }) => {
          if (isMeasurement(sequences)) return zeros(call);
          if (!executor) throw new NodeError('ERR_NODE_STOPPED', 'The executor does not run yet.');
          return executor.stages.callExperts(sequences, call, fresh);
        },
      },
    );
    await engine.start();
    undo.push(() => engine.stop());
    await engine.loadModel(modelView(manifest));
    executor = createExecutor({ profile, version: VERSION, seed: privateKey.raw.subarray(0, 32) }, { host, engine, hosted, views, logger });
    undo.push(() => executor?.stop());

    const advertiser = await advertise({ manifest, hosted, engine, executor });
    const settle = () => hosted.fill(signal);
    records.on('change', settle);
    undo.push(() => void records.off('change', settle));
    await hosted.start(signal);
    await advertiser.measure();
    const gateway = await startGateway(executor);
    const missing = hosted.missing();
    if (missing.length > 0) logger.warn('not every block to host is here; it is fetched when a peer offers it', { missing: missing.slice(0, 12) });
    ready.resolve({
      gateway: gateway?.address() ?? null,
      metrics: gateway?.metricsAddress() ?? null,
      peerId,
      networkId: membership.networkId,
      invite: encodeInvite({ addresses: host.addresses(), networkId: membership.networkId, modelRoot: manifest.root, joinSecret: membership.joinSecret }),
    });
  }

  /** Publishes this node's record, at once when what it hosts changes, and keeps its load current. */
  async function advertise(parts: { manifest: { root: string }; hosted: HostedBlocks; engine: Engine; executor: Executor }) {
    const { hosted, engine, executor } = parts;
    const tier = await probeTier();
    let measured = UNMEASURED;
    let bitmap = hosted.bitmap();
    const publish = async () => {
      const status = await engine.status();
      const advertisement: NodeAdvertisement = {
        version: VERSION,
        tier,
        profile,
        host: config.host,
        models: [{ root: parts.manifest.root, blocks: bitmap }],
        measured,
        active: executor.stages.active,
        queued: status.queued,
        freeKvBytes: Math.max(0, Math.floor(status.freeKvBytes)),
        gateway: config.gateway !== null,
      };
      records.publish(advertisement);
    };
    const again = () => {
      publish().catch((error) => logger.debug('the record was not published', { code: errorCode(error) }));
    };
    hosted.on('change', () => {
      bitmap = hosted.bitmap();
      again();
    });
    const timer = setInterval(again, RECORD_INTERVAL_MS);
    undo.push(() => clearInterval(timer));
    await publish();
    return {
      async measure() {
        const figures = await measureEngine(engine, modelView(hosted.manifest), hosted.manifest, bitmap);
        measured = { ...UNMEASURED, ...figures };
        await publish();
      },
    };
  }

  async function startGateway({ coordinator }: Executor): Promise<Gateway | null> {
    if (config.gateway === null) return null;
    const gateway = createGateway({ coordinator, logger, ...config.gateway, version: VERSION, metrics: config.metrics ?? 'off' });
    await gateway.start();
    undo.push(() => gateway.stop());
    return gateway;
  }

  /** Waits for peers until one has handed the genesis over. */
  async function fetchGenesis(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const connected = new Promise<void>((resolve) => {
        host.on('peer:connect', () => resolve());
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (host.peers().length === 0) {
        logger.info('waiting for a peer of the invite');
        await connected;
        continue;
      }
      try {
        await keepGenesis(paths.genesis, await genesis.fetch(host.peers(), signal));
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        logger.warn('no genesis yet', { reason: (error as Error).message });
        await connected;
      }
    }
  }

  function stop(): Promise<void> {
    stopped ??= (async () => {
      stopping.abort(new NodeError('ERR_NODE_STOPPED', 'The node is stopping.'));
      for (const step of undo.splice(0).reverse()) {
        try {
          await step();
        } catch (error) {
          logger.warn('a part of the node did not stop cleanly', { code: errorCode(error) });
        }
      }
    })();
    return stopped;
  }
}
