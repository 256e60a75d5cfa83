import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineCore, fileIdentity, KeptFile, modelView } from '@blyan/inference';
import { silentLogger } from '@blyan/interface';
import { BlockPatrol } from '../../../node/src/daemon/block-patrol.ts';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { greedyText } from '../model/greedy-text.ts';
import { engineOptions, openStore } from '../model/open-engine.ts';
import { median, rangeOf } from '../stats.ts';

const PROMPT_TOKENS = 32;
const LOOKS = 20_000;
const GOAL = 0.98;
const GOAL_PERCENT = 2;

export const integrity: Benchmark = {
  name: 'integrity',
  about: `What verification costs while answers are computed, bench model, one node. Decode with the engine's looks at its block files (a mapped file
that is computed with must be the one that was hashed; quantised matrices are copies in memory, and only the embedding's file is looked at)
against decode where each look gets the answer of the one before, in turn; there is no such switch in the product. Then the same as a sum: looks
per token x time of one look, and the processor time of the patrol that samples subtiles of blocks in use, measured over seconds in which
nothing else runs.`,
  async run(run) {
    for (const dtype of ['i8', 'f32'] as const) await measure(dtype, run);
  },
};

async function measure(dtype: 'i8' | 'f32', run: BenchRun): Promise<void> {
  const { quick, report, say, signal } = run;
  const { blocksDir, manifest } = await importedBenchModel(run, dtype);
  const view = modelView(manifest);
  const { store, source } = await openStore(blocksDir);
  const looks = interceptLooks();
  // On this thread, because the looks of a worker cannot be reached.
  const core = new EngineCore(engineOptions(), {
    source,
    remote: () => Promise.reject(new Error('every expert is local here')),
  });
  try {
    core.loadModel(view);
    const tokens = quick ? 16 : 32;
    const decode = async (isOn: boolean, seed: number) => {
      looks.isOn = isOn;
      const prompt = promptTokens(PROMPT_TOKENS, view.spec.vocabSize, seed);
      const onFirstToken = () => {
        looks.count = 0;
      };
      const { decodeMs } = await greedyText(core, view, prompt, tokens, { onFirstToken });
      signal.throwIfAborted();
      return { msPerToken: decodeMs / (tokens - 1), looks: looks.count / (tokens - 1) };
    };
    say(`${dtype}: loading`);
    for (let round = 0; round < 3; round++) await decode(true, 1000 + round);
    await decode(false, 1000);
    say(`${dtype}: decoding with and without, in turn`);
    const on: number[] = [];
    const off: number[] = [];
    let perToken = 0;
    for (let round = 0; round < (quick ? 12 : 80); round++) {
      const order = round % 2 === 0 ? [true, false] : [false, true];
      for (const isOn of order) {
        const { msPerToken, looks: seen } = await decode(isOn, 1 + round);
        (isOn ? on : off).push(msPerToken);
        perToken = seen;
      }
    }
    if (perToken < 1) throw new Error('the engine did not look at its files');
    const ratios = on.map((ms, index) => (off[index] as number) / ms);
    const limit = 1000 / median(off);
    report(
      figure(`integrity.${dtype}.decode`, limit * median(ratios), 'tokens/s', {
        limit,
        against: 'without looks',
        goal: { ratioAtLeast: GOAL },
        range: rangeOf(on.map((ms) => 1000 / ms)),
        note: `median of ${ratios.length} pairs; best rounds ${(Math.min(...off) / Math.min(...on)).toFixed(4)}`,
      }),
    );
    looks.isOn = true;
    const lookUs = timeOfLook(store.pathOf(manifest.blocks[0]?.root ?? ''));
    const patrol = await patrolShare({ store, roots: manifest.blocks.map(({ root }) => root) }, quick ? 6 : 20, run);
    const lookPercent = (perToken * lookUs) / 10 / median(off);
    report(
      figure(`integrity.${dtype}.counted`, lookPercent + patrol * 100, '% of the time', {
        goal: { below: GOAL_PERCENT },
        note: `${perToken.toFixed(0)} looks a token of ${lookUs.toFixed(2)} us: ${lookPercent.toFixed(2)} %; patrol ${(patrol * 100).toFixed(2)} % of one core`,
      }),
    );
  } finally {
    looks.restore();
    await core.stop();
    await store.stop();
  }
}

/** Every `stat` of an open file on this thread: as it is, or answered with what the same file answered before. */
function interceptLooks() {
  const writable: { fstatSync: typeof fs.fstatSync } = fs;
  const real = fs.fstatSync;
  const known = new Map<number, unknown>();
  const looks = {
    isOn: true,
    count: 0,
    restore() {
      writable.fstatSync = real;
      syncBuiltinESMExports();
    },
  };
  writable.fstatSync = ((file: number, options: object) => {
    looks.count++;
    const before = looks.isOn ? undefined : known.get(file);
    if (before !== undefined) return before;
    const stat = real(file, options);
    known.set(file, stat);
    return stat;
  }) as typeof real;
  syncBuiltinESMExports();
  return looks;
}

/** Microseconds. */
function timeOfLook(path: string): number {
  const file = new KeptFile({ path, identity: fileIdentity(path) });
  const rounds = [0, 1, 2].map(() => {
    const started = performance.now();
    for (let look = 0; look < LOOKS; look++) file.isSame();
    return ((performance.now() - started) * 1000) / LOOKS;
  });
  file.close();
  return Math.min(...rounds);
}

/** Processor time of the patrol over every block of the model as a share of one core, beyond what the idle process takes. */
async function patrolShare(
  { store, roots }: Pick<ConstructorParameters<typeof BlockPatrol>[0], 'store'> & { roots: readonly string[] },
  seconds: number,
  { say, signal }: BenchRun,
): Promise<number> {
  const busy = async () => {
    const before = process.cpuUsage();
    await delay(seconds * 1000, undefined, { signal });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (seconds * 1e6);
  };
  for (const root of roots) await store.acquire(root, { signal });
  say('the patrol alone');
  const idle = await busy();
  const patrol = new BlockPatrol({ store, roots: () => roots, logger: silentLogger });
  patrol.start();
  try {
    return Math.max(0, (await busy()) - idle);
  } finally {
    await patrol.stop();
  }
}
