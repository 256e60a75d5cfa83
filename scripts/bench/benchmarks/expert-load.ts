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
const FULL = { experts: 64, cold: 16, dtypes: ['f32', 'bf16'] as const };
const QUICK = { experts: 12, cold: 4, dtypes: ['f32'] as const };
const WARM_UP_CALLS = 200;
/** Enough garbage to fill the young generations of both threads. */
const EMPTY_CALLS = 10_000;
const MIB = 1024 * 1024;

export const expertLoad: Benchmark = {
  name: 'expert-load',
  about: `Experts of ${(EXPERT_PARAMETERS / 1e6).toFixed(1)} M weights, ${((EXPERT_PARAMETERS * 4) / 1e6).toFixed(1)} MB in f32, from the page cache, never used before by the engine: time from the call to the first
output row. warm: hashed earlier in this process. cold: hashed in the call. bf16: a block as \`--dtype source\` keeps it, whose f32
form lies beside it. The limit of warm is reading the weights once from memory, of cold hashing them.`,
  async run(context) {
    const bandwidth = measureMemoryBandwidth(context.quick ? 3 : 7);
    const sha256 = measureSha256(context.quick ? 2 : 5);
    for (const dtype of (context.quick ? QUICK : FULL).dtypes) await measure(dtype, { bandwidth, sha256 }, context);
  },
};

async function measure(
  dtype: ExpertDType,
  limits: { bandwidth: number; sha256: number },
  context: BenchRun,
): Promise<void> {
  const { report, say, quick, signal } = context;
  const sizes = quick ? QUICK : FULL;
  const count = WARM_UP + sizes.experts;
  say(`${dtype}: ${count} experts`);
  const set = await expertBlocks(context.workDir, dtype, count);
  const { times, grownBytes } = await warmLoads(set, signal);
  const readMs = (EXPERT_PARAMETERS * 4 * 1000) / limits.bandwidth;
  const limit = { limit: readMs, against: 'reading the weights once from memory' };
  report(figure(`expert-load.${dtype}.warm-p50`, percentile(times, 0.5), 'ms', { ...limit, range: rangeOf(times) }));
  report(figure(`expert-load.${dtype}.warm-p95`, percentile(times, 0.95), 'ms', { ...limit, goal: { below: 10 } }));
  if (grownBytes !== null) {
    const note = `growth for ${sizes.experts} experts loaded and kept, after ${WARM_UP} others`;
    report(figure(`expert-load.${dtype}.anonymous`, grownBytes / MIB, 'MiB', { goal: { below: 2 }, note }));
  }
  const cold = await coldLoads(set, sizes.cold, signal);
  // With half precision both files are hashed: the block and its f32 form.
  const hashed = EXPERT_PARAMETERS * (dtype === 'f32' ? 4 : 6);
  report(
    figure(`expert-load.${dtype}.cold`, median(cold), 'ms', {
      limit: (hashed * 1000) / limits.sha256,
      against: `SHA-256 of ${(hashed / 1e6).toFixed(1)} MB`,
      range: rangeOf(cold),
    }),
  );
}

async function warmLoads(set: ExpertSet, signal: AbortSignal): Promise<{ times: number[]; grownBytes: number | null }> {
  await using open = await openEngine(set.blocksDir, expertsView(set.roots));
  for (const root of set.roots) {
    signal.throwIfAborted();
    await open.source.acquire(root);
  }
  for (let call = 0; call < WARM_UP_CALLS; call++) await firstOutput(open.engine, call % WARM_UP);
  for (let call = 0; call < EMPTY_CALLS; call++) await open.engine.status();
  const before = await settledAnonymousMemory();
  const times: number[] = [];
  for (let expert = WARM_UP; expert < set.roots.length; expert++) times.push(await firstOutput(open.engine, expert));
  const after = await settledAnonymousMemory();
  return { times, grownBytes: before === null || after === null ? null : after - before };
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
