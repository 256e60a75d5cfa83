import { silentLogger } from '@blyan/interface';
import { BlockStore } from '@blyan/store';
import { verifyBlockFile } from '@blyan/tensorblock';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureSha256 } from '../limits/sha256-speed.ts';
import { expertBlocks } from '../model/experts.ts';
import { median, rangeOf } from '../stats.ts';

export const hash: Benchmark = {
  name: 'hash',
  about: 'Verifying a block file of 34.6 MB in the page cache against SHA-256 over memory, both on one thread.',
  async run({ quick, workDir, report, signal }) {
    const rounds = quick ? 8 : 24;
    const sha256 = measureSha256(quick ? 2 : 5);
    report(figure('hash.sha256', sha256 / 1e6, 'MB/s'));
    const { blocksDir, roots } = await expertBlocks(workDir, 'f32', 1);
    const store = new BlockStore({ dir: blocksDir }, { logger: silentLogger });
    const root = roots[0] as string;
    const speeds: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const started = performance.now();
      const { byteLength } = await verifyBlockFile(store.pathOf(root), root, { signal });
      if (round > 0) speeds.push(byteLength / 1e3 / (performance.now() - started));
    }
    report(
      figure('hash.verify', median(speeds), 'MB/s', {
        limit: sha256 / 1e6,
        against: 'SHA-256',
        range: rangeOf(speeds),
      }),
    );
  },
};
