import { totalmem } from 'node:os';
import type { BlockSource, EngineDeps } from '@blyan/inference';
import type { Logger } from '@blyan/interface';
import { commonHost } from '@blyan/p2p';
import type { NodeConfig } from '../config/node-config.ts';
import { usualThreads } from '../config/threads.ts';
import { NodeError } from '../errors.ts';
import { CountingEngine } from './counting-engine.ts';
import type { Executor } from './executor.ts';
import { isMeasurement, zeros } from './measure.ts';
import { NoEngine } from './no-engine.ts';

const MIB = 1024 * 1024;
/** The KV cache unless it is told: an eighth of the machine's memory. */
const DEFAULT_KV_BYTES = Math.min(totalmem() / 8, 2048 * MIB);

/** The engine, which calls the experts of other nodes, and tells of its lanes, through the executor that is attached to it. */
export function createEngine(
  config: NodeConfig,
  { source, logger }: { readonly source: BlockSource; readonly logger: Logger },
): { engine: CountingEngine; attach: (executor: Executor) => void } {
  let executor: Executor | null = null;
  const deps: EngineDeps = {
    logger,
    acquire: (root) => source.acquire(root),
    remote: async ({ sequences, call }) => {
      if (isMeasurement(sequences)) return zeros(call);
      if (!executor) throw new NodeError('ERR_NODE_STOPPED', 'The executor does not run yet.');
      return executor.stages.callExperts(sequences, call);
    },
    laneOpened: async (lane) => executor?.laneEvents.laneOpened(lane),
    laneClosed: async (lane) => executor?.laneEvents.laneClosed(lane),
    frame: async (frame) => executor?.laneEvents.frame(frame),
  };
  const { provider } = config;
  const options = {
    provider,
    threads: provider === 'cpu' ? (config.threads ?? usualThreads()) : 1,
    kvBytes: config.kvBudgetBytes ?? DEFAULT_KV_BYTES,
    sessionBytes: config.sessionCacheBytes ?? totalmem() / 2,
    laneHost: commonHost(config.listen),
  };
  return {
    engine: config.computes ? new CountingEngine(options, deps) : new NoEngine(deps),
    attach: (value) => {
      executor = value;
    },
  };
}
