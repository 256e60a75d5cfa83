import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { type BlockHeader, TensorBlockWriter } from '@blyan/tensorblock';
import { onTestFinished } from 'vitest';
import { BlockStore, type BlockStoreOptions } from '../src/index.ts';

/** A directory that is removed after the test. */
export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'blyan-store-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A started store that is stopped after the test. */
export async function openStore(dir: string, options: Partial<BlockStoreOptions> = {}): Promise<BlockStore> {
  const store = new BlockStore({ dir, ...options }, { logger: silentLogger });
  onTestFinished(() => store.stop());
  await store.start();
  return store;
}

/** A block whose contents depend on `seed`; about `kib` KiB of one tensor `w`. */
export async function writeBlock(
  path: string,
  seed: number,
  kib = 1,
  header: BlockHeader = { kind: 'expert', expert: seed },
) {
  const writer = await TensorBlockWriter.create(path, header, [{ name: 'w', dtype: 'u8', shape: [kib * 1024] }]);
  await writer.write('w', new Uint8Array(kib * 1024).fill(seed));
  return await writer.finish();
}

export async function addBlock(store: BlockStore, seed: number, kib = 1): Promise<string> {
  const path = store.tempPath();
  const { root } = await writeBlock(path, seed, kib);
  await store.admit(path, root);
  return root;
}
