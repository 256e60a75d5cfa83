import { totalmem } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@blyan/crypto';
import { StoreSource } from '@blyan/inference';
import { errorCode, monotonicClock, type Root, systemClock } from '@blyan/interface';
import type { BlockRef, ModelManifest } from '@blyan/model';
import {
  BlockExchange,
  encodeInvite,
  GenesisExchange,
  loadOrCreateIdentity,
  NetworkJournal,
  NetworkJournalPeers,
  NodeRecords,
  P2pHost,
} from '@blyan/p2p';
import { coverage, DemandCounter, type NodeView, networkDemand } from '@blyan/routing';
import { BlockStore } from '@blyan/store';
import { latestOf } from '../chain/chain-models.ts';
import { modelContent } from '../chain/records.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { NodeDaemon, NodeDaemonDeps, ReadyInfo } from '../daemon-port.ts';
import { dataDirPaths } from '../data-dir/data-dir.ts';
import { NodeError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { Advertiser } from './advertiser.ts';
import { BlockPatrol } from './block-patrol.ts';
import type { CountingEngine } from './counting-engine.ts';
import { createEngine } from './create-engine.ts';
import { createExecutor, type Executor } from './executor.ts';
import { arithmeticProfile, probeTier } from './hardware.ts';
import { HealingSource } from './healing-source.ts';
import { HostedBlocks } from './hosted-blocks.ts';
import { joinNetwork, resolveMembership } from './network-membership.ts';
import { type NodeChain, startChain } from './node-chain.ts';
import { Rebalancer } from './rebalancer.ts';
import { obtainManifest, type ResolvedModel, rememberModel, resolveModel } from './served-model.ts';
import { type ServedVersion, ServedVersions, servedVersion } from './served-versions.ts';
import { startGateway } from './start-gateway.ts';
import { VersionFollower } from './version-follower.ts';
import { newsOfBoth, nextNews } from './wait-for-peers.ts';
import { WarmUp } from './warm-up.ts';

const SHOWN_MISSING = 12;
/** Of a network's first model. */
const FIRST_VERSION = '1.0.0';
/** How long one part of the node may take to stop, the gateway after it has drained. */
const STOP_STEP_MS = 5_000;

/** Composes one daemon: store, network, engine, executor and gateway, started in this order and stopped in reverse. */
export async function createNode(config: NodeConfig, deps: NodeDaemonDeps): Promise<NodeDaemon> {
  const { logger, operatorToken } = deps;
  const paths = dataDirPaths(config.dataDir);
  const { privateKey, peerId } = await loadOrCreateIdentity(paths.nodeKey);
  const founder = { name: 'founder', publicKey: toHex(privateKey.publicKey.raw), weight: 1 };
  const membership = await resolveMembership(paths.genesis, config.bootstrap, founder);
  const { networkId, joinSecret } = membership;
  const profile = arithmeticProfile(config.provider);
  const store = new BlockStore({ dir: paths.blocks, quotaBytes: config.storeQuotaBytes }, { logger });
  const { listen, announce, mdns } = config;
  const host = new P2pHost(
    { privateKey, networkId, listen, announce, bootstrap: membership.bootstrap, mdns, joinSecret, version: VERSION },
    { logger, clock: systemClock },
  );
  const records = new NodeRecords({ host, privateKey, logger, clock: systemClock });
  const exchange = new BlockExchange({ partialDir: join(paths.root, 'partial') }, { host, store, logger });
  const genesis = new GenesisExchange(host, membership.genesis);
  const keepers = new NetworkJournalPeers(host, views);
  const journal = new NetworkJournal({ self: peerId, peers: keepers, clock: systemClock, logger });
  keepers.serve(journal);
  const stopping = new AbortController();
  const { signal } = stopping;
  const undo: (() => unknown)[] = [];
  const ready = Promise.withResolvers<ReadyInfo>();
  ready.promise.catch(() => undefined);
  let chain: NodeChain | null = null;
  /** Of nodes, and of who is registered. */
  const news = newsOfBoth(records, () => chain?.registry);
  const rememberPath = join(paths.root, 'model');
  let beginning: Promise<ReadyInfo> | null = null;
  let stopped: Promise<void> | null = null;

  return {
    async start(outer) {
      const abort = () => stopping.abort(outer?.reason);
      outer?.addEventListener('abort', abort, { once: true });
      undo.push(() => outer?.removeEventListener('abort', abort));
      if (outer?.aborted) abort();
      beginning = begin();
      try {
        ready.resolve(await beginning);
      } catch (error) {
        ready.reject(error);
        await stop();
        throw error;
      }
    },
    ready: () => ready.promise,
    stop,
  };

  async function begin(): Promise<ReadyInfo> {
    const damaged: { root: Root; error: Error }[] = [];
    let tell = (found: (typeof damaged)[number]): void => {
      damaged.push(found);
    };
    undo.push(store.on('corrupt', (found) => tell(found)));
    await store.start(signal);
    undo.push(() => store.stop());
    undo.push(warnOfBootstrap());
    await host.start(signal);
    undo.push(() => host.stop());
    await journal.start();
    undo.push(() => journal.stop());
    const left = (peer: string) => void journal.lost(peer);
    const back = (peer: string) => journal.returned(peer);
    host.on('peer:disconnect', left).on('peer:connect', back);
    undo.push(() => void host.off('peer:disconnect', left).off('peer:connect', back));
    await records.start();
    undo.push(() => records.stop());
    await exchange.tidy();
    const founded = membership.genesis ?? (await joinNetwork(paths.genesis, { host, genesis, logger }, signal));
    const { archive, keepEpochs, snapshotEpochs } = config;
    chain = await startChain(
      {
        ...{ genesis: founded, author: { privateKey }, dir: paths.chain, snapshots: paths.snapshots },
        ...{ archive, keepEpochs, snapshotEpochs, joins: membership.bootstrap.length > 0 },
      },
      { host, logger },
      signal,
    );
    undo.push(() => chain?.stop());
    const hasPeers = membership.bootstrap.length > 0 && (await chain?.caughtUp(signal)) === true;
    const registered = register(hasPeers).catch((error) => {
      logger.warn('this node could not be registered', { code: errorCode(error) });
    });
    const { manifest, follows } = await findModel();

    const first = versionOf(manifest);
    const versions = new ServedVersions(first);
    const { hosted } = first;
    undo.push(() => versions.stop());
    tell = ({ root, error }) => versions.damaged(root, error);
    damaged.forEach(tell);

    const source = new HealingSource({
      source: new StoreSource(store),
      heal: (root, healing) => versions.heal(root, AbortSignal.any([healing, signal])),
      labelOf: (root) => versions.labelOf(root),
      logger,
    });
    const { engine, attach } = createEngine(config, { source, logger });
    undo.push(() => engine.stop());
    engine.count({ model: manifest, counter: first.counter });
    await engine.start();
    await engine.loadModel(first.view);
    const executor = createExecutor(
      {
        ...{ profile, version: VERSION, seed: privateKey.raw.subarray(0, 32) },
        ...{ computes: config.computes, maxSequences: config.maxStreams },
        // Who is reached through something else than what it listens on has no second door.
        lanes: { asks: config.lanes, invites: config.lanes && config.computes && config.announce.length === 0 },
      },
      {
        host,
        engine,
        versions,
        views: known,
        news,
        logger,
        networkChanged: (ms, until) => nextNews(news, ms, until),
      },
    );
    attach(executor);
    undo.push(() => executor.stop());

    const advertiser = new Advertiser(
      { version: VERSION, tier: await probeTier(), profile, host: config.host, gateway: config.gateway !== null },
      { records, engine, versions, active: () => executor.stages.active, logger },
    );
    undo.push(() => advertiser.stop());
    await advertiser.start();
    const fill = () => versions.fill(signal);
    records.on('change', fill);
    undo.push(() => void records.off('change', fill));
    // HTTP answers meanwhile: `/readyz` tells what is missing.
    const { coordinator } = executor;
    const gatewayDeps = { coordinator, journal, chain: chain?.service, operatorToken, logger, undo };
    const { stop: stopGateway, ...addresses } = await startGateway(config, paths, gatewayDeps, signal);
    await hosted.start(signal);
    await advertiser.measure(signal);
    const patrol = new BlockPatrol({ store, roots: () => versions.roots(), logger });
    undo.push(() => patrol.stop());
    patrol.start();
    const warmUp = new WarmUp({
      ...{ engine, logger },
      get modelRoot() {
        return versions.current.manifest.root;
      },
      roots: () => versions.current.hosted.roots(),
      active: () => executor.stages.active,
    });
    undo.push(() => warmUp.stop());
    const warm = () => warmUp.start();
    versions.on('filled', warm);
    undo.push(() => void versions.off('filled', warm));
    warm();
    if (config.host === 'auto') {
      const rebalancer = new Rebalancer({
        ...{ self: peerId, views, clock: systemClock, logger },
        get hosted() {
          return versions.current.hosted;
        },
        demand: () => versions.current.demand(),
        inUse: ({ layer, expert }: BlockRef) => engine.inUse(versions.current.manifest.root, layer, expert),
      });
      undo.push(() => rebalancer.stop());
      rebalancer.start();
    }
    if (chain !== null && follows !== null) await follow(chain, follows, { versions, engine, executor });
    // Before anything else stops: no new answers, and time for those under way.
    undo.push(stopGateway);
    await registered;
    const missing = hosted.missing();
    if (missing.length > 0) {
      logger.warn('not every block to host is here; it is fetched when a peer offers it', {
        missing: missing.slice(0, SHOWN_MISSING),
        count: missing.length,
      });
    }
    const invite = encodeInvite({ addresses: host.addresses(), networkId, modelRoot: manifest.root, joinSecret });
    return { ...addresses, peerId, networkId, invite };
  }

  function views() {
    return records.records();
  }

  /** The nodes as plans see them. */
  function known(): readonly NodeView[] {
    const { registry } = chain ?? {};
    return registry === undefined ? views() : views().map((view) => registry.apply(view));
  }

  /** Claims what stays the same from one start to the next; where it can be reached is gossip. */
  async function register(hasPeers: boolean): Promise<void> {
    if (chain === null) return;
    const { validators, validates } = chain.service.head();
    const memoryBytes = config.computes ? Math.floor(config.sessionCacheBytes ?? totalmem() / 2) : 0;
    const claims = { tier: await probeTier(), profile, memoryBytes, addresses: config.announce };
    await chain.registry.register(claims, chain.own, hasPeers || (validates && validators === 1), signal);
  }

  /** Serves whatever version of a name the chain says is the latest; the founder of a network publishes the first. */
  async function follow(
    { service, own }: NodeChain,
    name: string,
    { versions, engine, executor }: { versions: ServedVersions; engine: CountingEngine; executor: Executor },
  ): Promise<void> {
    // A chain that has stopped for good says nothing more; what is served goes on.
    const latest = () => (service.failure === null ? (latestOf(service, name)?.root ?? null) : null);
    const { manifest } = versions.current;
    if (latest() === null && membership.bootstrap.length === 0 && service.head().validates) {
      await own.send(modelContent(name, FIRST_VERSION, manifest));
    }
    const follower = new VersionFollower({
      ...{ versions, latest, news, logger },
      obtain: async (root, until) => {
        const body = await obtainManifest(root, { store, host, exchange, logger }, until);
        const version = versionOf({ ...body, name });
        engine.count({ model: version.manifest, counter: version.counter });
        await engine.loadModel(version.view);
        return version;
      },
      isCovered: (version) => coverage(version.manifest, known()).covered,
      isUsed: (root, quietMs) => executor.coordinator.isAnswering(root) || engine.isUsed(root, quietMs),
      onServed: ({ manifest: { root } }) => {
        rememberModel(rememberPath, root).catch((error) => {
          logger.warn('the version served was not noted for the next start', { code: errorCode(error) });
        });
      },
      release: async (version) => {
        const { root, blocks } = version.manifest;
        if (!(await engine.unloadModel(root))) return;
        engine.uncount(root);
        await versions.drop(version);
        const kept = versions.blocks();
        for (const block of [root, ...blocks.map((ref) => ref.root)]) if (!kept.has(block)) await store.unpin(block);
      },
    });
    undo.push(() => follower.stop());
    undo.push(service.onHead(() => follower.look()));
    follower.start();
  }

  function findModel(): Promise<ResolvedModel> {
    const options = {
      model: config.model,
      invited: membership.modelRoot,
      blocksDir: paths.blocks,
      genesisDir: config.genesisDir,
      rememberPath,
      joins: membership.bootstrap.length > 0,
      chain: chain?.service ?? null,
    };
    return resolveModel(options, { store, host, exchange, logger }, signal);
  }

  /** A version with what it hosts here, which is yet to be started. */
  function versionOf(manifest: ModelManifest): ServedVersion {
    const counter = new DemandCounter(manifest.spec, monotonicClock);
    const demand = () => networkDemand(views(), manifest, counter.snapshot());
    const joins = membership.bootstrap.length > 0;
    const options = { host: config.host, blocksDir: paths.blocks, joins, quotaBytes: config.storeQuotaBytes };
    const news = (timeoutMs: number, until: AbortSignal) => nextNews(records, timeoutMs, until);
    const hosted = new HostedBlocks(manifest, options, { store, exchange, views, nextNews: news, demand, logger });
    return servedVersion({ manifest, counter, demand, hosted });
  }

  /** Says why an address of the command line does not work, each reason once. */
  function warnOfBootstrap(): () => void {
    const told = new Map<string, string>();
    const listener = ({ address, error }: { readonly address: string; readonly error: unknown }) => {
      const code = errorCode(error);
      if (told.get(address) === code) return;
      told.set(address, code);
      logger.warn('no way into the network through a bootstrap address yet', {
        address,
        code,
        reason: (error as Error).message,
      });
    };
    host.on('bootstrap:error', listener);
    return () => host.off('bootstrap:error', listener);
  }

  /** Ends what is under way, waits for a start to give up, then undoes in reverse what was started. Always ends. */
  function stop(): Promise<void> {
    stopped ??= (async () => {
      stopping.abort(new NodeError('ERR_NODE_STOPPED', 'The node is stopping.'));
      await ended(() => beginning?.catch(() => undefined));
      for (const step of undo.splice(0).reverse()) await ended(step);
    })();
    return stopped;
  }

  /** Waits for a part to stop, but not for ever, and says when it does not. */
  async function ended(step: () => unknown): Promise<void> {
    try {
      await inTime(step(), STOP_STEP_MS + config.drainMs);
    } catch (error) {
      logger.warn('a part of the node did not stop cleanly', { code: errorCode(error) });
    }
  }
}

/** @throws NodeError ERR_NODE_STOPPED when the step takes too long */
async function inTime(step: unknown, limitMs: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new NodeError('ERR_NODE_STOPPED', `A part of the node did not stop within ${limitMs} ms.`));
  }, limitMs);
  try {
    await Promise.race([step, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
