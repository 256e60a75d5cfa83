import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { type ImportDType, importCheckpoint } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureSha256 } from '../limits/sha256-speed.ts';
import { benchCheckpoint, benchName } from '../model/bench-model.ts';
import { median, rangeOf } from '../stats.ts';

export const importSpeed: Benchmark = {
  name: 'import',
  about: `Importing two layers of the bench model from a bf16 checkpoint in the page cache: bytes of blocks written, hashed and synced per second,
against SHA-256 over memory on one thread, which every byte of a block has to go through.`,
  async run(run) {
    const { quick, report } = run;
    const checkpoint = await benchCheckpoint({ ...run, quick: true });
    const sha256 = measureSha256(quick ? 2 : 5);
    const dtypes: ImportDType[] = quick ? ['f32'] : ['f32', 'source', 'i8', 'i4'];
    for (const dtype of dtypes) {
      const speeds: number[] = [];
      for (let round = 0; round < (quick ? 1 : 3); round++) speeds.push(await importOnce(run, checkpoint, dtype));
      const limit = { limit: sha256 / 1e6, against: 'SHA-256', range: rangeOf(speeds) };
      report(figure(`import.${dtype}`, median(speeds), 'MB/s', limit));
    }
  },
};

/** MB of blocks per second. */
async function importOnce({ workDir, signal }: BenchRun, dir: string, dtype: ImportDType): Promise<number> {
  const target = join(workDir, 'import-trial');
  await rm(target, { recursive: true, force: true });
  try {
    await using store = new BlockStore({ dir: target }, { logger: silentLogger });
    await store.start(signal);
    const started = performance.now();
    const { manifest } = await importCheckpoint({ dir, store, name: benchName(true), dtype, signal });
    const bytes = manifest.blocks.reduce((sum, block) => sum + block.byteLength, 0);
    return bytes / 1e3 / (performance.now() - started);
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}
