import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '@blyan/interface';
import { importCheckpoint, loadModelManifest, MODEL_PROFILE } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import type { BenchRun } from '../benchmark.ts';
import type { ImportedModel } from './bench-model.ts';
import { keptFolder } from './kept.ts';

const CHECKPOINT = fileURLToPath(new URL('../../../genesis/model', import.meta.url));
const SIZE_BYTES = 60e6;

/** Questions of the kind the genesis model was trained on; some words it has learned, some it has not. */
export const GENESIS_QUESTIONS: readonly string[] = [
  ...['What is a river?', 'Define courage.', 'Who are you?', 'What is Blyan?', 'What is a bridge?'],
  ...['What is an island?', 'Define patience.', 'What is a machine?', 'What is a forest?', 'What does honest mean?'],
  ...['What is a language?', 'Define winter.', 'What is a market?', 'What is a library?', 'Define friendship.'],
  ...['What is a mountain?', 'What is an expert?', 'Define knowledge.', 'What is a garden?', 'What is a promise?'],
];

/** The genesis model as blocks, imported once. */
export async function importedGenesisModel({ workDir, say, signal }: BenchRun): Promise<ImportedModel> {
  const name = 'blyan';
  const dataDir = join(workDir, 'genesis-f32');
  const blocksDir = join(dataDir, 'blocks');
  const root = await keptFolder(dataDir, { profile: MODEL_PROFILE, name }, SIZE_BYTES, async () => {
    say(`importing the genesis model, kept in ${workDir}`);
    await using store = new BlockStore({ dir: blocksDir }, { logger: silentLogger });
    await store.start(signal);
    return (await importCheckpoint({ dir: CHECKPOINT, store, name, dtype: 'f32', signal })).root;
  });
  return { name, dataDir, blocksDir, manifest: await loadModelManifest(join(blocksDir, `${root}.tb`)) };
}
