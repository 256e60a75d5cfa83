import { join } from 'node:path';
import { type Root, silentLogger } from '@blyan/interface';
import { type ImportDType, importCheckpoint, loadModelManifest, MODEL_PROFILE, type ModelManifest } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import { BENCH_MODEL, type RandomModelSizes, writeRandomCheckpoint } from '@blyan/testkit';
import type { BenchRun } from '../benchmark.ts';
import { keptFolder } from './kept.ts';

const BYTES_PER_WEIGHT: Record<ImportDType, number> = { f32: 4.2, source: 2.1, i8: 1.3, i4: 0.9 };

/** The random Qwen3-MoE of 440 M parameters; with `--quick` its first two layers, whose layers are as large. */
export function benchSizes(quick: boolean): RandomModelSizes {
  return quick ? { ...BENCH_MODEL, layerCount: 2 } : BENCH_MODEL;
}

export function benchName(quick: boolean): string {
  return quick ? 'bench-2-layers' : 'bench';
}

/** The same with layers that compute as much and add next to nothing: its greedy text goes round. */
export const ROUND: Variant = { name: 'round', sizes: { residualGain: 0.001 } };

export interface Variant {
  readonly name: string;
  readonly sizes: Partial<RandomModelSizes>;
}

/** Weights of the bench model, embedding and head included. */
export function benchParameters(quick: boolean): number {
  const { hiddenSize: d = 0, layerCount = 0, expertCount = 0, expertFfnSize = 0, vocabSize = 0 } = benchSizes(quick);
  const { headCount = 0, kvHeadCount = 0, headDim = 0 } = BENCH_MODEL;
  const attention = d * headDim * (2 * headCount + 2 * kvHeadCount);
  return layerCount * (attention + d * expertCount + expertCount * 3 * d * expertFfnSize) + 2 * vocabSize * d;
}

/** The checkpoint folder of the bench model, bf16, written once. */
export async function benchCheckpoint({ quick, workDir, say }: BenchRun, variant?: Variant): Promise<string> {
  const dir = join(workDir, `${nameOf(quick, variant)}-checkpoint`);
  const sizes = { ...benchSizes(quick), ...variant?.sizes };
  await keptFolder(dir, { sizes, version: 1 }, benchParameters(quick) * 2, async () => {
    say(`writing a random checkpoint of ${(benchParameters(quick) / 1e6).toFixed(0)} M parameters, kept in ${workDir}`);
    await writeRandomCheckpoint({ dir, ...sizes });
  });
  return dir;
}

export interface ImportedModel {
  /** A daemon's data folder. */
  readonly name: string;
  readonly dataDir: string;
  readonly blocksDir: string;
  readonly manifest: ModelManifest;
}

/** The bench model as blocks, imported once per dtype. */
export async function importedBenchModel(run: BenchRun, dtype: ImportDType, variant?: Variant): Promise<ImportedModel> {
  const { quick, workDir, say, signal } = run;
  const name = nameOf(quick, variant);
  const dataDir = join(workDir, `${name}-${dtype}`);
  const blocksDir = join(dataDir, 'blocks');
  const checkpoint = await benchCheckpoint(run, variant);
  const description = { sizes: { ...benchSizes(quick), ...variant?.sizes }, dtype, profile: MODEL_PROFILE, name };
  const root = await keptFolder(dataDir, description, benchParameters(quick) * BYTES_PER_WEIGHT[dtype], async () => {
    say(`importing ${name} as ${dtype}, kept in ${workDir}`);
    await using store = new BlockStore({ dir: blocksDir }, { logger: silentLogger });
    await store.start(signal);
    const imported: { root: Root } = await importCheckpoint({ dir: checkpoint, store, name, dtype, signal });
    return imported.root;
  });
  return { name, dataDir, blocksDir, manifest: await loadModelManifest(join(blocksDir, `${root}.tb`)) };
}

function nameOf(quick: boolean, variant?: Variant): string {
  return variant ? `${benchName(quick)}-${variant.name}` : benchName(quick);
}

/** Token ids that look like text to a model that never saw any: in range, no end-of-sequence, no short cycle. */
export function promptTokens(count: number, vocabSize: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 10 + (state % (vocabSize - 10));
  });
}
