import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { goldenDir } from '@blyan/testkit';
import { openDataDir } from '../../../node/src/data-dir/data-dir.ts';
import { findModelSource, type ModelSource } from '../../../node/src/devnet/model-source.ts';
import { importedBenchModel, promptTokens } from '../../bench/model/bench-model.ts';

export const DRILL_MODELS = ['genesis', 'bench', 'golden'] as const;
export type DrillModel = (typeof DRILL_MODELS)[number];

export interface DrillModelDeps {
  /** For this run alone. */
  readonly dir: string;
  /** Where the bench model is kept between runs. */
  readonly benchDir: string;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * The model as blocks to copy from: the genesis model (4 layers, 8 experts), the bench model of 440 M parameters as i8, or
 * the golden Mixtral (3 layers, 8 experts, tiny).
 */
export async function drillModel(model: DrillModel, deps: DrillModelDeps): Promise<ModelSource> {
  const { dir, benchDir, say, signal } = deps;
  if (model === 'bench') {
    const run = { quick: false, workDir: benchDir, llamaDir: null, say, report: () => {}, signal };
    return { ...(await importedBenchModel(run, 'i8')), checkpoint: null };
  }
  await using origin = await openDataDir(join(dir, 'origin'), process.pid);
  const folder = model === 'golden' ? goldenDir('mixtral') : undefined;
  return await findModelSource(folder, dir, origin, { logger: silentLogger, onProgress: () => {}, signal });
}

/** A prompt of so many tokens that no other seed gives, in range of every vocabulary. */
export function drillPrompt(count: number, vocabSize: number, seed: number): number[] {
  return promptTokens(count, Math.min(vocabSize, 3_000), Math.imul(seed + 1, 2_654_435_761) >>> 0);
}
