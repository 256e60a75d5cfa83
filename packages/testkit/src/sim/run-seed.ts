import { SIMPLEX_RULES } from '@blyan/chain';
import type { Hash, NetworkId } from '@blyan/interface';
import type { MemoryStore } from '@blyan/store';
import { ByzantineNode } from './byzantine-node.ts';
import { gossip, heal, planFaults } from './faults.ts';
import { LedgerChain } from './ledger-chain.ts';
import { memoisedSuite } from './memoised-suite.ts';
import type { Plant } from './plants.ts';
import { scenario } from './scenario.ts';
import { simSigners } from './sim-keys.ts';
import { SimLinks } from './sim-links.ts';
import { type SimContext, SimNode, type SimPeer } from './sim-node.ts';
import { SmallChain } from './small-chain.ts';
import { Watch } from './watch.ts';
import { World } from './world.ts';

const NETWORK: NetworkId = 'ab'.repeat(32);
const DELTA_MS = 100;
const MAX_TIMEOUT_MS = 16 * DELTA_MS;
/** Simulated milliseconds after a heal within which everything has to be final everywhere. */
export const LIVENESS_BOUND_MS = 600 * DELTA_MS;

export interface SeedOptions {
  readonly seed: number;
  readonly plant?: Plant;
  /** Gets a line for everything that happens. */
  readonly trace?: (line: string) => void;
}

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly stalled: boolean;
  readonly equivocations: number;
  readonly withheld: number;
  readonly partitions: number;
  readonly crashes: number;
  readonly nodes: number;
  /** Whether nodes ran the real application. */
  readonly ledger: boolean;
  readonly blocks: number;
  readonly epochs: number;
  /** Most simulated milliseconds from a heal until all was final everywhere. */
  readonly recoveryMs: number;
  /** Of everything that happened. */
  readonly digest: string;
}

/** One deterministic run: the same seed gives the same result, digest included. */
export async function runSeed({ seed, plant, trace }: SeedOptions): Promise<SeedResult> {
  const world = new World(seed, trace);
  const plan = scenario(world);
  const signers = simSigners(plan.nodes);
  const honestKeys = signers.filter((_, i) => !plan.attacks.has(i)).map(({ publicKey }) => publicKey);
  const { loss, duplication, minDelayMs, maxDelayMs, reorders } = plan;
  const conditions = { loss, duplication, minDelayMs, maxDelayMs, reorders };
  const links = new SimLinks(world, { ...conditions });
  const suite = memoisedSuite();
  const options = { network: NETWORK, epochBlocks: plan.epochBlocks, validatorsOf: plan.validatorsOf, suite };
  const isLedger = plan.ledger && plant?.small === undefined;
  const chain = isLedger ? await LedgerChain.create(options) : new SmallChain(options);
  const watch = new Watch(world, new Set(honestKeys), chain, suite);
  const nodes: SimPeer[] = [];
  const context: SimContext = {
    world,
    links,
    watch,
    suite,
    chain,
    deltaMs: DELTA_MS,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    rules: plant?.rules ?? SIMPLEX_RULES,
    nodes,
  };
  const counts = { equivocations: 0, withheld: 0 };
  const honest: SimNode[] = [];
  const starting: Promise<void>[] = [];
  for (const [place, signer] of signers.entries()) {
    const attacks = plan.attacks.get(place);
    if (attacks === undefined) {
      const small = plant?.small;
      const openApplication = small && (async (store: MemoryStore) => small(options, store));
      const broken = { ...plant?.node?.(), ...(openApplication && { openApplication }) };
      const node = new SimNode(place, signer, context, { honest: true, ...broken });
      honest.push(node);
      nodes.push(node);
    } else nodes.push(new ByzantineNode(place, signer, context, attacks, counts));
  }
  for (const node of nodes) starting.push((node as SimNode | ByzantineNode).start());
  await Promise.all(starting);

  const records: Uint8Array[][] = [];
  const hashes: Hash[][] = [];
  const inject = () => {
    const next = [...chain.nextRecords(world)];
    records.push(next);
    hashes.push(next.map((bytes) => chain.hashOf(bytes)));
    for (const bytes of next) gossip(context, world.pick(nodes), bytes);
  };
  const crashes = { count: 0 };
  let [stalled, recoveryMs] = [false, 0];
  for (const round of plan.rounds) {
    const startMs = world.nowMs;
    const healMs = startMs + round.healMs;
    Object.assign(links.conditions, conditions);
    for (let atMs = startMs + 10; atMs < healMs + 500; atMs += plan.recordIntervalMs) world.at(atMs, inject);
    planFaults(context, round, honest, crashes);
    world.at(healMs, () => heal(context, honest, records.flat()));
    const isSettled = () =>
      world.nowMs > healMs + 600 &&
      honest.every(({ alive, application }) => alive && application.head.hash === honest[0]?.application.head.hash) &&
      hashes.every((one) => one.some((hash) => honest[0]?.application.isRecorded(hash)));
    await world.run(healMs + LIVENESS_BOUND_MS, () => watch.violations.length > 0 || isSettled());
    recoveryMs = Math.max(recoveryMs, Math.round(world.nowMs - healMs));
    stalled = watch.violations.length === 0 && !isSettled();
    if (stalled) world.trace('STALLED');
    if (stalled || watch.violations.length > 0) break;
  }
  const { header } = (honest[0] as SimNode).application.head;
  return {
    seed,
    violations: watch.violations,
    stalled,
    equivocations: counts.equivocations + watch.exposed.size,
    withheld: counts.withheld,
    partitions: plan.rounds.reduce((sum, { partitions }) => sum + partitions.length, 0),
    crashes: crashes.count,
    nodes: plan.nodes,
    ledger: isLedger,
    blocks: header.height,
    epochs: header.epoch + 1,
    recoveryMs,
    digest: world.digest(),
  };
}
