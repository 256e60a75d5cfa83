import {
  Delegate,
  type Engine,
  ExpertCaller,
  Grammars,
  Heartbeat,
  type MainApi,
  NetworkCoordinator,
  PeerFaults,
  type PlanRunDeps,
  ResultInbox,
  SpeculationHistory,
  StageHost,
  StageLanes,
  type StageLanesOptions,
  StageNetwork,
} from '@blyan/inference';
import { type Logger, monotonicClock } from '@blyan/interface';
import type { P2pHost } from '@blyan/p2p';
import { MAX_FRAME_BYTES, PROTOCOL_MAJORS } from '@blyan/params';
import {
  blockMap,
  hasBit,
  type NodeView,
  ObservedSpeeds,
  PeerHealth,
  type Plan,
  RetryBudget,
  replaceStages,
  signPlan,
} from '@blyan/routing';
import { peerIdFromString } from '@libp2p/peer-id';
import { LiveHolders } from './live-holders.ts';
import { computesNothing } from './no-engine.ts';
import type { ServedVersions } from './served-versions.ts';
import type { NewsSource } from './wait-for-peers.ts';

/** Rows of one peer that wait to be computed here: long prompts of many answers at once. */
const MAX_QUEUED_STEP_BYTES = 256 * 1024 * 1024;

export interface ExecutorOptions {
  readonly profile: string;
  readonly version: string;
  /** Ed25519 seed of this node's identity; signs plans. */
  readonly seed: Uint8Array;
  /** False: plans that need a block here are refused, before anything is fetched. */
  readonly computes: boolean;
  /** Of this node's engine with those of near nodes. */
  readonly lanes: StageLanesOptions;
  /** Most sequences computed here at once; undefined: what the protocol allows. */
  readonly maxSequences?: number;
}

export interface ExecutorDeps {
  readonly host: P2pHost;
  readonly engine: Engine;
  readonly versions: ServedVersions;
  readonly views: () => readonly NodeView[];
  /** Emits when something is heard of nodes. */
  readonly news: NewsSource;
  /** Resolves with the next news about nodes, after the time, or at the abort. */
  readonly networkChanged: (timeoutMs: number, signal: AbortSignal) => Promise<unknown>;
  readonly logger: Logger;
}

export interface Executor {
  readonly coordinator: NetworkCoordinator;
  readonly stages: StageHost;
  /** What the engine tells of its lanes. */
  readonly laneEvents: Pick<MainApi, 'laneOpened' | 'laneClosed' | 'frame'>;
  stop(): Promise<void>;
}

/** Puts together what runs plans: stages here and elsewhere, expert calls, delegates, and the coordinator over them. */
export function createExecutor(options: ExecutorOptions, deps: ExecutorDeps): Executor {
  const { host, engine, versions, logger } = deps;
  const speeds = new ObservedSpeeds(monotonicClock);
  const views = () => speeds.applied(deps.views());
  const self = host.peerId;
  const model = (root: string) => versions.of(root)?.view;
  const protocol = host.protocol('inference', PROTOCOL_MAJORS.inference, {
    maxFrameBytes: MAX_FRAME_BYTES,
    maxNotifiedBytes: MAX_QUEUED_STEP_BYTES,
  });
  const inbox = new ResultInbox();
  const health = new PeerHealth(monotonicClock);
  const faults = new PeerFaults({
    self,
    health,
    penalize: (peerId, points, code) => host.penalize(peerId, points, code),
    nuisance: (peerId, code) => host.nuisance(peerId, code),
  });
  const network = new StageNetwork({ self }, { protocol, inbox, publicKeyOf, faults });
  const holders = new LiveHolders({ host, news: deps.news, views, manifest: (root) => versions.of(root)?.manifest });
  const experts = new ExpertCaller(
    { self },
    {
      protocol,
      port: holders,
      health,
      blame: faults,
      budget: new RetryBudget(monotonicClock),
      clock: monotonicClock,
      logger,
    },
  );
  const lanes = new StageLanes(options.lanes, { protocol, engine, link: host, logger });
  const stages = new StageHost(
    { self, maxSequences: options.maxSequences },
    { engine, port: network, experts, faults, logger, model, lanes },
  );
  const heartbeat = new Heartbeat({
    ask: (peerId, timeoutMs, signal) => network.alive(peerId, timeoutMs, signal),
    onLost: (peerId, reason) => inbox.lost(peerId, reason),
  });
  const histories = new Map<string, SpeculationHistory>();
  const sign = (plan: Plan) => signPlan(plan, options.seed);
  const run: PlanRunDeps = {
    ...{ engine, host: stages, network, inbox, heartbeat, faults },
    grammars: new Grammars((root) => versions.of(root)?.manifest),
    replace: (plan, lost) => {
      const manifest = versions.of(plan.modelRoot)?.manifest;
      if (!manifest) return null;
      const input = { manifest, views: views(), self, profile: options.profile, avoid: health.avoided() };
      const other = replaceStages(plan, lost, input);
      return other && sign(other);
    },
    networkChanged: deps.networkChanged,
    // One model and four types of plans: four histories.
    speculation: ({ modelRoot, type }) => {
      const key = `${modelRoot}/${type}`;
      const history = histories.get(key) ?? new SpeculationHistory();
      histories.set(key, history);
      return history;
    },
  };
  const delegate = new Delegate({ self }, { ...run, protocol, model, prepare });
  network.serve(stages, engine);
  delegate.serve();
  const coordinator = new NetworkCoordinator(
    { self, networkId: host.networkId, version: options.version, profile: options.profile },
    {
      ...run,
      delegate,
      health,
      logger,
      port: {
        views,
        models: () => versions.all(),
        fetch: ({ root }, blocks, signal) => fetchBlocks(root, blocks, signal),
        sign: (plan) => signPlan(plan, options.seed),
        avoided: () => health.avoided(),
        observe: (answer) => speeds.answered(answer),
        faults: (peerId) => host.faults(peerId),
        faultyPeers: () => host.faultyPeers(),
      },
    },
  );
  const back = (peerId: string) => {
    health.returned(peerId);
    experts.returned(peerId);
  };
  const left = (peerId: string) => {
    inbox.lost(peerId, 'gone');
    health.failed(peerId, 'gone');
    stages.disconnected(peerId);
    lanes.disconnected(peerId);
  };
  host.on('peer:connect', back).on('peer:disconnect', left);
  return {
    coordinator,
    stages,
    laneEvents: {
      laneOpened: async (lane) => lanes.opened(lane),
      laneClosed: async ({ fault, ...lane }) => {
        if (fault !== undefined) faults.blame(lane.peerId, 'garbage', fault);
        lanes.closed(lane);
        stages.laneClosed(lane);
      },
      frame: (frame) => network.frame(frame),
    },
    async stop() {
      host.off('peer:connect', back).off('peer:disconnect', left);
      holders[Symbol.dispose]();
      await stages.stop();
    },
  };

  /** What a delegate needs beside experts: trunks, embedding, head. */
  async function prepare(plan: Plan, signal: AbortSignal): Promise<void> {
    const version = versions.of(plan.modelRoot);
    if (!version) return;
    const map = blockMap(version.manifest);
    const bitmap = version.hosted.bitmap();
    const needed = [map.embedding, ...map.trunks, map.head].filter((index) => !hasBit(bitmap, index));
    await fetchBlocks(version.manifest.root, needed, signal);
  }

  async function fetchBlocks(root: string, blocks: readonly number[], signal: AbortSignal): Promise<void> {
    if (!options.computes) throw computesNothing();
    await versions.of(root)?.hosted.fetch(blocks, signal);
  }
}

function publicKeyOf(peerId: string): Uint8Array {
  const key = peerIdFromString(peerId).publicKey;
  if (key?.type !== 'Ed25519') throw new TypeError(`${peerId} is not an ed25519 identity`);
  return key.raw;
}
