import type { Validator, ValidatorSet } from '@blyan/chain-format';
import { simSigners } from './sim-keys.ts';
import type { World } from './world.ts';

/** What a Byzantine validator does. */
export type Attack =
  /** Two replicas with one key, which hear and talk to different peers. */
  | 'twins'
  /** Sends what it should to some only, or to nobody. */
  | 'withhold'
  /** Proposes blocks whose state is not what comes of their records, and answers requests with something else. */
  | 'lie'
  /** Proposes blocks that do not stand on the newest notarised one. */
  | 'fork'
  /** Votes for everything, forges, replays, sends garbage, and votes for views far ahead. */
  | 'chaos';

/** One run: who takes part, and what goes wrong when. A pure function of the seed. */
export interface Scenario {
  /** Nodes in the order of their keys. One more than an epoch's validators where sets change. */
  readonly nodes: number;
  readonly attacks: ReadonlyMap<number, ReadonlySet<Attack>>;
  readonly epochBlocks: number;
  readonly validatorsOf: (epoch: number) => ValidatorSet;
  /** Whether nodes run the real application, and records change the validators, or a small one, and epochs do. */
  readonly ledger: boolean;
  /** Bad times, after each of which everything is good until all is final. */
  readonly rounds: readonly Round[];
  readonly recordIntervalMs: number;
  readonly loss: number;
  readonly duplication: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly reorders: boolean;
}

/** Times are milliseconds from the beginning of the round. */
export interface Round {
  readonly healMs: number;
  readonly partitions: readonly {
    readonly atMs: number;
    readonly untilMs: number;
    readonly groups: readonly number[];
  }[];
  readonly crashes: readonly {
    readonly atMs: number;
    readonly node: number;
    readonly afterWrites: number;
    readonly downMs: number;
  }[];
}

const SIZES = [4, 4, 4, 4, 7, 7, 7, 16] as const;
const LEDGER_SHARE = 0.5;
const ATTACKS: readonly Attack[] = ['twins', 'withhold', 'lie', 'fork', 'chaos'];

export function scenario(world: World): Scenario {
  const validators = world.pick(SIZES);
  const rotates = world.chance() < 0.5;
  const nodes = validators + (rotates ? 1 : 0);
  const liars = world.shuffled([...Array(nodes).keys()]).slice(0, world.between(0, Math.floor((validators - 1) / 3)));
  const honest = [...Array(nodes).keys()].filter((node) => !liars.includes(node));
  const attacks = new Map(
    liars.map((node) => [node, new Set(world.shuffled(ATTACKS).slice(0, world.between(1, 2)))] as const),
  );
  const bad = world.chance() < 0.7;
  const ledger = world.chance() < LEDGER_SHARE;
  return {
    nodes,
    attacks,
    // Sets that the state names need two epochs to take effect.
    epochBlocks: ledger ? world.between(2, 5) : world.between(3, 9),
    validatorsOf: sets(world, nodes, honest, liars, rotates),
    rounds: Array.from({ length: world.chance() < 0.4 ? 2 : 1 }, () => round(world, nodes, honest)),
    recordIntervalMs: world.between(60, 300),
    loss: bad ? world.chance() * 0.25 : 0,
    duplication: world.chance() < 0.5 ? world.chance() * 0.2 : 0,
    minDelayMs: 1,
    maxDelayMs: bad ? world.between(20, 200) : 50,
    reorders: world.chance() < 0.5,
    ledger,
  };
}

/** Sets in which those who lie weigh less than a third, whoever has which weight, and whoever is left out. */
function sets(
  world: World,
  nodes: number,
  honest: readonly number[],
  liars: readonly number[],
  rotates: boolean,
): (epoch: number) => ValidatorSet {
  const keys = simSigners(nodes).map(({ publicKey }) => publicKey);
  const weighted = world.chance() < 0.4;
  const honestWeights = honest.map(() => (weighted ? world.between(1, 6) : 1));
  const least = honestWeights.reduce((sum, weight) => sum + weight, 0) - (rotates ? Math.max(...honestWeights) : 0);
  // All liars together weigh as much as they may.
  const most = Math.ceil(least / 2) - 1;
  const liarWeights = liars.map((_, i) => (weighted ? Math.max(1, Math.floor(most / liars.length) - (i % 2)) : 1));
  const made = new Map<number, ValidatorSet>();
  return (epoch) => {
    const known = made.get(epoch);
    if (known !== undefined) return known;
    const set: Validator[] = [];
    for (const [i, node] of honest.entries()) {
      if (rotates && i === epoch % honest.length) continue;
      const weight = honestWeights[(i + epoch) % honest.length] as number;
      set.push({ publicKey: keys[node] as string, weight });
    }
    for (const [i, node] of liars.entries()) {
      set.push({ publicKey: keys[node] as string, weight: liarWeights[i] as number });
    }
    set.sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
    made.set(epoch, set);
    return set;
  };
}

function round(world: World, nodes: number, honest: readonly number[]): Round {
  const healMs = world.between(2_000, 5_000);
  return { healMs, partitions: partitions(world, nodes, healMs), crashes: crashes(world, honest, healMs) };
}

function partitions(world: World, nodes: number, healMs: number): Round['partitions'] {
  const found: { atMs: number; untilMs: number; groups: number[] }[] = [];
  for (let atMs = world.between(100, 1_500); atMs < healMs && world.chance() < 0.7; ) {
    const untilMs = Math.min(healMs, atMs + world.between(100, 2_000));
    const parts = world.between(2, 3);
    found.push({ atMs, untilMs, groups: Array.from({ length: nodes }, () => world.between(1, parts)) });
    atMs = untilMs + world.between(50, 1_500);
  }
  return found;
}

function crashes(world: World, honest: readonly number[], healMs: number): Round['crashes'] {
  if (world.chance() < 0.3) return [];
  const together = world.chance() < 0.2;
  const count = together ? honest.length : world.between(1, 5);
  const firstMs = world.between(200, healMs - 500);
  return Array.from({ length: count }, (_, i) => ({
    atMs: together ? firstMs : world.between(100, healMs - 200),
    node: together ? (honest[i] as number) : world.pick(honest),
    afterWrites: world.between(0, 8),
    downMs: world.between(20, 1_500),
  }));
}
