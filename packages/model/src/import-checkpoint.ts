import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Root } from '@blyan/interface';
import type { BlockStore } from '@blyan/store';
import { TensorBlockWriter } from '@blyan/tensorblock';
import { Checkpoint, parseJsonObject } from './checkpoint.ts';
import { ModelError } from './errors.ts';
import { FLOAT_BYTES } from './float-convert.ts';
import { parseModelSpec } from './hf-config.ts';
import { layerNames } from './hf-names.ts';
import { ImportJournal } from './import-journal.ts';
import { IMPORT_DTYPES, type ImportDType, planImport } from './import-plan.ts';
import { assertRoom, dataBytes, fileBytes, type ImportRun, rollBack, writeBlocks } from './import-run.ts';
import { readModelFiles } from './model-files.ts';
import { encodeModelMeta, loadModelManifest, type ModelDescription, type ModelManifest } from './model-manifest.ts';
import { modelNameOf } from './model-name.ts';
import { MODEL_PROFILE } from './profile.ts';
import { QUANT_BLOCK } from './quantise.ts';
import { chooseSliceCount, DEFAULT_SLICE_BUDGET_BYTES } from './slices.ts';
import { type ModelSpec, validateModelSpec } from './spec.ts';
import { openTokenizer } from './tokenizer.ts';

export interface ImportProgress {
  /** Bytes of weights written so far, including those of blocks that were there already. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The block in work, as `blockLabel` writes it; `model` for the manifest. */
  readonly label: string;
}

export interface ImportOptions {
  /** A Hugging Face checkpoint folder. */
  readonly dir: string;
  /** Started; receives the blocks. Nothing is pinned: that is the caller's decision. */
  readonly store: BlockStore;
  /** The folder's name by default. */
  readonly name?: string;
  readonly dtype: ImportDType;
  /** Experts with more bytes of weights are cut along the FFN dimension; 100 MB by default. */
  readonly sliceBudgetBytes?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
  readonly signal?: AbortSignal;
}

async function writeManifest(
  description: ModelDescription,
  files: ReadonlyMap<string, Uint8Array>,
  { store, signal }: ImportRun,
): Promise<Root> {
  const path = store.tempPath();
  const tensors = [...files].map(([name, bytes]) => ({ name, dtype: 'u8' as const, shape: [bytes.length] }));
  const header = { kind: 'model' as const, meta: encodeModelMeta(description) };
  const writer = await TensorBlockWriter.create(path, header, tensors);
  try {
    for (const [name, bytes] of files) await writer.write(name, bytes);
    const { root } = await writer.finish();
    await store.admit(path, root, { signal, verified: true });
    return root;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function specFor(files: ReadonlyMap<string, Uint8Array>): ModelSpec {
  const json = (file: string) => {
    const bytes = files.get(file);
    return bytes === undefined ? {} : parseJsonObject(bytes, file);
  };
  const spec = parseModelSpec(json('config.json'), json('generation_config.json'));
  const text = (file: string) => new TextDecoder().decode(files.get(file));
  // Opened here so that a broken tokeniser is found before hours of copying.
  const { eosTokenId } = openTokenizer(
    text('tokenizer.json'),
    files.has('tokenizer_config.json') ? text('tokenizer_config.json') : '{}',
  );
  if (spec.eosTokenIds.length > 0 || eosTokenId === null || eosTokenId >= spec.vocabSize) return spec;
  return { ...spec, eosTokenIds: [eosTokenId] };
}

function sliceCountFor(checkpoint: Checkpoint, spec: ModelSpec, dtype: ImportDType, budgetBytes: number): number {
  const quantised = dtype === 'i8' || dtype === 'i4';
  let bytes: number;
  if (quantised) bytes = (dtype === 'i8' ? 1 : 0.5) + 4 / QUANT_BLOCK;
  else if (dtype === 'f32') bytes = 4;
  else {
    const name = layerNames(spec.architecture, 0).expert(0, 'gate');
    bytes = checkpoint.has(name)
      ? FLOAT_BYTES[checkpoint.tensor(name, [spec.expertFfnSize, spec.hiddenSize]).dtype]
      : 4;
  }
  return chooseSliceCount(spec.expertFfnSize, 3 * spec.hiddenSize * bytes, budgetBytes, quantised);
}

/**
 * Turns a Hugging Face checkpoint into blocks in the store and returns the model's manifest. The roots depend on the
 * folder's files, the name, `dtype` and `sliceBudgetBytes` only. Memory is bounded whatever the model's size. When the
 * signal aborts it, or the process dies, the blocks written so far stay for the next attempt, which skips them; after
 * any other error the store is as it was before.
 *
 * @throws ModelError: ERR_MODEL_CHECKPOINT, ERR_MODEL_SAFETENSORS, ERR_MODEL_TENSOR_MISSING, ERR_MODEL_TENSOR_SHAPE,
 *   ERR_MODEL_TENSOR_DTYPE (the folder is incomplete or damaged; `meta` names file and tensor), ERR_MODEL_UNSUPPORTED
 *   (`meta.field` or `meta.tensor`), ERR_MODEL_TOKENIZER, ERR_MODEL_OPTIONS, ERR_MODEL_DISK_SPACE. Errors of the store.
 */
export async function importCheckpoint(options: ImportOptions): Promise<{ root: Root; manifest: ModelManifest }> {
  const { dir, store, dtype, sliceBudgetBytes = DEFAULT_SLICE_BUDGET_BYTES, onProgress } = options;
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  if (!IMPORT_DTYPES.includes(dtype)) {
    throw new ModelError('ERR_MODEL_OPTIONS', `Choose one of these for --dtype: ${IMPORT_DTYPES.join(', ')}.`);
  }
  const name = modelNameOf(dir, options.name);
  const files = await readModelFiles(dir);
  const parsed = specFor(files);
  await using checkpoint = await Checkpoint.open(dir, signal);
  const sliceCount = sliceCountFor(checkpoint, parsed, dtype, sliceBudgetBytes);
  const spec = validateModelSpec({ ...parsed, sliceCount });
  const plans = planImport(checkpoint, spec, dtype);

  const key = createHash('sha256')
    .update(JSON.stringify([checkpoint.fingerprint, spec, dtype, MODEL_PROFILE]))
    .digest('hex');
  const storeDir = dirname(store.tempPath());
  const journal = await ImportJournal.open(join(storeDir, `import-${key.slice(0, 32)}.journal`));
  let doneBytes = 0;
  const totalBytes = plans.reduce((sum, plan) => sum + dataBytes(plan), 0);
  const report = (bytes: number, label: string) => {
    doneBytes += bytes;
    onProgress?.({ doneBytes, totalBytes, label });
  };
  const run: ImportRun = { store, checkpoint, plans, journal, signal, report };
  try {
    const missing = plans.filter((_, index) => !store.has(journal.get(index)?.root ?? ''));
    await assertRoom(
      store,
      missing.reduce((sum, plan) => sum + fileBytes(plan), 0),
    );
    const blocks = await writeBlocks(run);
    report(0, 'model');
    const root = await writeManifest({ name, spec, dtype, profile: MODEL_PROFILE, blocks }, files, run);
    await journal.remove();
    return { root, manifest: await loadModelManifest(store.pathOf(root)) };
  } catch (error) {
    // Should even this fail (a stopped store), the journal stays and the next attempt goes on from it.
    if (!signal.aborted) await rollBack(run).catch(() => undefined);
    throw error;
  }
}
