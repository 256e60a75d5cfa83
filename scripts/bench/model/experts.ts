import { join } from 'node:path';
import type { ModelView } from '@blyan/inference';
import { type Root, silentLogger } from '@blyan/interface';
import { paddedLength } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import { TensorBlockWriter, type TensorSpec } from '@blyan/tensorblock';
import { keptFolder } from './kept.ts';

/** Width and FFN size of Qwen1.5-MoE and of OLMoE's larger kin: 34.6 MB in f32. */
export const HIDDEN = 2048;
export const FFN = 1408;
export const EXPERT_PARAMETERS = 3 * HIDDEN * FFN;

export type ExpertDType = 'f32' | 'bf16';

export interface ExpertSet {
  readonly blocksDir: string;
  readonly roots: readonly Root[];
}

/** Different experts as blocks of a store: f32 as the engine maps them, bf16 as `--dtype source` keeps them. */
export async function expertBlocks(workDir: string, dtype: ExpertDType, count: number): Promise<ExpertSet> {
  const dir = join(workDir, `experts-${dtype}-${count}`);
  const blocksDir = join(dir, 'blocks');
  // For bf16 the f32 form comes beside each block.
  const sizeBytes = count * EXPERT_PARAMETERS * (dtype === 'f32' ? 4 : 6);
  const roots = await keptFolder(
    dir,
    { dtype, count, HIDDEN, FFN, padded: paddedLength(HIDDEN) },
    sizeBytes,
    async () => {
      await using store = new BlockStore({ dir: blocksDir }, { logger: silentLogger });
      await store.start();
      const values = randomValues(dtype, paddedLength(FFN) * paddedLength(HIDDEN));
      const written: Root[] = [];
      for (let expert = 0; expert < count; expert++) written.push(await writeExpert(store, dtype, expert, values));
      return written;
    },
  );
  return { blocksDir, roots };
}

function shapes(dtype: ExpertDType): TensorSpec[] {
  const [raised, width, wide] =
    dtype === 'f32' ? [paddedLength(FFN), paddedLength(HIDDEN), paddedLength(FFN)] : [FFN, HIDDEN, FFN];
  return [
    { name: 'gate_proj', dtype, shape: [raised, width] },
    { name: 'up_proj', dtype, shape: [raised, width] },
    { name: 'down_proj', dtype, shape: [HIDDEN, wide] },
  ];
}

async function writeExpert(store: BlockStore, dtype: ExpertDType, expert: number, values: Uint8Array): Promise<Root> {
  const path = store.tempPath();
  const tensors = shapes(dtype);
  const writer = await TensorBlockWriter.create(path, { kind: 'expert', layer: 0, expert }, tensors);
  for (const { name, shape } of tensors) {
    const bytes = shape.reduce((a, b) => a * b, 1) * (dtype === 'f32' ? 4 : 2);
    // The same values from another place on, so that no two blocks are the same.
    const from = (4096 * (expert + 1)) % bytes;
    await writer.write(name, values.subarray(from, bytes));
    await writer.write(name, values.subarray(0, from));
  }
  const { root } = await writer.finish();
  await store.admit(path, root, { verified: true });
  return root;
}

function randomValues(dtype: ExpertDType, count: number): Uint8Array {
  const values = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    values[i] = state / 2 ** 36;
  }
  if (dtype === 'f32') return new Uint8Array(values.buffer);
  const halves = new Uint16Array(count);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < count; i++) halves[i] = (bits[i] as number) >>> 16;
  return new Uint8Array(halves.buffer);
}

/** A model of one layer that has nothing but these experts. */
export function expertsView(roots: readonly Root[]): ModelView {
  return {
    root: '00'.repeat(32),
    quantised: false,
    embedding: '',
    head: '',
    trunks: [''],
    experts: [roots.map((root) => [root])],
    spec: {
      architecture: 'qwen3_moe',
      hiddenSize: HIDDEN,
      layerCount: 1,
      headCount: 16,
      kvHeadCount: 16,
      headDim: 128,
      vocabSize: 300,
      expertCount: roots.length,
      expertsPerToken: 4,
      expertFfnSize: FFN,
      sharedExpertFfnSize: 0,
      sliceCount: 1,
      rmsNormEps: 1e-6,
      ropeTheta: 10_000,
      contextLength: 4096,
      qkNorm: 'head',
      attentionBias: false,
      normTopkProb: true,
      tieEmbeddings: false,
      clipQkv: null,
      eosTokenIds: [],
      bosTokenId: null,
    },
  };
}
