import type { Engine } from '@blyan/inference';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { settledAnonymousMemory } from '../limits/anonymous-memory.ts';
import { measureMemoryBandwidth } from '../limits/memory-bandwidth.ts';
import { measureSha256 } from '../limits/sha256-speed.ts';
import {
  EXPERT_PARAMETERS,
  type ExpertDType,
  type ExpertSet,
  expertBlocks,
  expertsView,
  HIDDEN,
} from '../model/experts.ts';
import { openEngine } from '../model/open-engine.ts';
import { median, percentile, rangeOf } from '../stats.ts';

/** Loaded first and not counted: they bring the heaps of both threads to their working size. */
const WARM_UP = 12;
const FULL = { experts: 64, cold: 16 };
const QUICK = { experts: 20, cold: 3 };
const WARM_UP_CALLS = 200;
/** Enough garbage to fill the young generations of both threads. */
const EMPTY_CALLS = 30_000;
const MIB = 1024 * 1024;

const WEIGHTS = `${(EXPERT_PARAMETERS / 1e6).toFixed(1)} M weights (${((EXPERT_PARAMETERS * 4) / 1e6).toFixed(1)} MB in f32)`;
const ABOUT = `
in the page cache and new to the engine: time from the call to the first output row. warm: hashed earlier in this process. cold: hashed
in the call. The limit of warm is reading the weights once from memory, of cold hashing them. The p95 needs a quiet machine.`;

export const expertLoad: Benchmark = {
  name: 'expert-load',
  about: `Experts of ${WEIGHTS} as f32 blocks, which are mapped as they are,${ABOUT}`,
  run: (run) => loadExperts('f32', run),
};

// In a process of its own, because it counts memory.
export const expertLoadBf16: Benchmark = {
  name: 'expert-load-bf16',
  about: `Experts of ${WEIGHTS} as bf16 blocks (\`--dtype source\`) with their f32 form beside them, which is mapped,${ABOUT}`,
  run: (run) => loadExperts('bf16', run),
};

async function loadExperts(dtype: ExpertDType, run: BenchRun): Promise<void> {
  const sizes = run.quick ? QUICK : FULL;
  const loads = await measure(dtype, sizes, run);
  // After the loads, because they count memory and this one uses a lot of it.
  const readMs = (EXPERT_PARAMETERS * 4 * 1000) / measureMemoryBandwidth(run.quick ? 3 : 7);
  const sha256 = measureSha256(run.quick ? 2 : 5);
  reportLoads(loads, { readMs, sha256, experts: sizes.experts }, run);
}

interface Loads {
  readonly dtype: ExpertDType;
  /** Milliseconds. */
  readonly warm: readonly number[];
  readonly cold: readonly number[];
  readonly grownBytes: number | null;
}

async function measure(
  dtype: ExpertDType,
  sizes: { experts: number; cold: number },
  { workDir, say, signal }: BenchRun,
): Promise<Loads> {
  const count = WARM_UP + sizes.experts;
  say(`${dtype}: ${count} experts`);
  const set = await expertBlocks(workDir, dtype, count);
  const loads = await warmLoads(set, signal);
  return { dtype, ...loads, cold: await coldLoads(set, sizes.cold, signal) };
}

function reportLoads(
  { dtype, warm, cold, grownBytes }: Loads,
  { readMs, sha256, experts }: { readMs: number; sha256: number; experts: number },
  { report }: BenchRun,
): void {
  const limit = { limit: readMs, against: 'reading the weights once from memory' };
  report(figure(`expert-load.${dtype}.warm-p50`, percentile(warm, 0.5), 'ms', { ...limit, range: rangeOf(warm) }));
  report(figure(`expert-load.${dtype}.warm-p95`, percentile(warm, 0.95), 'ms', { ...limit, goal: { below: 10 } }));
  if (grownBytes !== null) {
    const note = `growth for ${experts} experts loaded and kept, after ${WARM_UP} others`;
    report(figure(`expert-load.${dtype}.anonymous`, grownBytes / MIB, 'MiB', { goal: { below: 2 }, note }));
  }
  // With half precision both files are hashed: the block and its f32 form.
  const hashed = EXPERT_PARAMETERS * (dtype === 'f32' ? 4 : 6);
  report(
    figure(`expert-load.${dtype}.cold`, median(cold), 'ms', {
      limit: (hashed * 1000) / sha256,
      against: `SHA-256 of ${(hashed / 1e6).toFixed(1)} MB`,
      range: rangeOf(cold),
    }),
  );
}

async function warmLoads(set: ExpertSet, signal: AbortSignal): Promise<{ warm: number[]; grownBytes: number | null }> {
  await using open = await openEngine(set.blocksDir, expertsView(set.roots));
  for (const root of set.roots) {
    signal.throwIfAborted();
    await open.source.acquire(root);
  }
  for (let call = 0; call < WARM_UP_CALLS; call++) await firstOutput(open.engine, call % WARM_UP);
  for (let call = 0; call < EMPTY_CALLS; call++) await open.engine.status();
  const before = await settledAnonymousMemory();
  const warm: number[] = [];
  for (let expert = WARM_UP; expert < set.roots.length; expert++) warm.push(await firstOutput(open.engine, expert));
  const after = await settledAnonymousMemory();
  return { warm, grownBytes: before === null || after === null ? null : after - before };
}

/** A store that has hashed nothing yet. */
async function coldLoads(set: ExpertSet, count: number, signal: AbortSignal): Promise<number[]> {
  await using open = await openEngine(set.blocksDir, expertsView(set.roots));
  const times: number[] = [];
  for (let expert = 0; expert <= count; expert++) {
    signal.throwIfAborted();
    times.push(await firstOutput(open.engine, expert));
  }
  // The first one also pays for the buffers of a new process.
  return times.slice(1);
}

const row = Float32Array.from({ length: HIDDEN }, (_, i) => Math.sin(i));

async function firstOutput(engine: Engine, expert: number): Promise<number> {
  const started = performance.now();
  const { outputs } = await engine.experts({
    modelRoot: '00'.repeat(32),
    layer: 0,
    rows: row,
    groups: [{ expert, rows: [0] }],
  });
  const ms = performance.now() - started;
  if (!outputs.every(Number.isFinite)) throw new Error(`expert ${expert} gave numbers that are none`);
  return ms;
}
