import { cp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { BlockStore } from '@blyan/store';
import { goldenDir, temporaryDirectory, writeRandomCheckpoint } from '@blyan/testkit';
import { describe, expect, test } from 'vitest';
import { blockLabel, importCheckpoint, loadModelManifest } from '../src/index.ts';
import { openStore, rejection } from './harness.ts';

/** Few blocks, so that a test takes a fraction of a second. */
const SMALL = { architecture: 'mixtral', layerCount: 1, expertCount: 2 } as const;

async function smallCheckpoint(dir: string, options: object = {}): Promise<string> {
  const path = join(dir, 'small');
  await writeRandomCheckpoint({ dir: path, ...SMALL, ...options });
  return path;
}

test('two imports give the same roots; the name defaults to the folder and is part of the model root only', async () => {
  await using dir = await temporaryDirectory();
  const checkpoint = await smallCheckpoint(dir.path);
  const imports = [];
  for (const [folder, name] of [['one'], ['two'], ['three', 'org/other']] as const) {
    await using store = await openStore(dir.path, folder);
    const seen: string[] = [];
    const onProgress = ({ label, doneBytes, totalBytes }: { label: string; doneBytes: number; totalBytes: number }) => {
      expect(doneBytes).toBeLessThanOrEqual(totalBytes);
      if (label === 'model') expect(doneBytes).toBe(totalBytes);
      seen.push(label);
    };
    const { root, manifest } = await importCheckpoint({ dir: checkpoint, store, name, dtype: 'f32', onProgress });
    expect(new Set(seen)).toEqual(new Set([...manifest.blocks.map(blockLabel), 'model']));
    expect(
      store
        .list()
        .map((entry) => entry.root)
        .sort(),
    ).toEqual([root, ...manifest.blocks.map((b) => b.root)].sort());
    const { path } = await store.acquire(root);
    expect(await loadModelManifest(path)).toEqual(manifest);
    for (const block of manifest.blocks) {
      const stored = await store.acquire(block.root);
      expect(stored.manifest.byteLength).toBe(block.byteLength);
      expect(stored.manifest.header.kind).toBe(block.kind);
    }
    imports.push({ root, manifest });
  }
  const [one, two, three] = imports;
  expect(one?.manifest.name).toBe('small');
  expect(two).toEqual(one);
  expect(three?.manifest.blocks).toEqual(one?.manifest.blocks);
  expect(three?.root).not.toBe(one?.root);
});

test('the manifest carries the files, a separate chat template included', async () => {
  await using dir = await temporaryDirectory();
  const checkpoint = await smallCheckpoint(dir.path);
  await writeFile(join(checkpoint, 'chat_template.jinja'), '{{ messages[0].content }}!');
  await using store = await openStore(dir.path);
  const { manifest } = await importCheckpoint({ dir: checkpoint, store, dtype: 'source' });
  expect(manifest.files.tokenizerJson).toBe(await readFile(join(checkpoint, 'tokenizer.json'), 'utf8'));
  expect(JSON.parse(manifest.files.tokenizerConfigJson)).toMatchObject({
    chat_template: '{{ messages[0].content }}!',
    eos_token: '<|eos|>',
  });
  expect(JSON.parse(manifest.files.configJson).model_type).toBe('mixtral');
});

test('an aborted import goes on where it was', async () => {
  await using dir = await temporaryDirectory();
  const checkpoint = await smallCheckpoint(dir.path);
  const abort = new AbortController();
  const store = await openStore(dir.path);
  const onProgress = ({ label }: { label: string }) => {
    if (label === 'expert:0.1') abort.abort(new Error('enough'));
  };
  const first = importCheckpoint({ dir: checkpoint, store, dtype: 'f32', onProgress, signal: abort.signal });
  expect((await rejection(first)).message).toBe('enough');
  const kept = store.list().map(({ root }) => root);
  expect(kept.length).toBeGreaterThanOrEqual(2);
  await store.stop();
  const names = await readdir(join(dir.path, 'blocks'));
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);

  await using again = await openStore(dir.path);
  const added: string[] = [];
  again.on('added', ({ root }) => added.push(root));
  const { manifest } = await importCheckpoint({ dir: checkpoint, store: again, dtype: 'f32' });
  expect(added.filter((root) => kept.includes(root))).toEqual([]);
  expect(manifest.blocks.map(({ root }) => root)).toEqual(expect.arrayContaining(kept));
  expect((await readdir(join(dir.path, 'blocks'))).every((name) => name.endsWith('.tb'))).toBe(true);

  await using fresh = await openStore(dir.path, 'fresh');
  expect((await importCheckpoint({ dir: checkpoint, store: fresh, dtype: 'f32' })).manifest).toEqual(manifest);
});

test('a weight that cannot be quantised names its tensor, and leaves the store as it was', async () => {
  await using dir = await temporaryDirectory();
  const checkpoint = await smallCheckpoint(dir.path, { dtype: 'f32', tieEmbeddings: true });
  await using store = await openStore(dir.path);
  const { root } = await importCheckpoint({ dir: checkpoint, store, dtype: 'f32', name: 'before' });
  const before = store.list();
  const file = join(checkpoint, 'model.safetensors');
  const bytes = await readFile(file);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
  const tensor = 'model.layers.0.block_sparse_moe.experts.1.w2.weight';
  bytes.writeFloatLE(Number.NaN, 8 + headerBytes + header[tensor].data_offsets[0] + 40);
  await writeFile(file, bytes);
  const error = await rejection(importCheckpoint({ dir: checkpoint, store, dtype: 'i8' }));
  expect(error).toMatchObject({ code: 'ERR_MODEL_CHECKPOINT', meta: { tensor, file: 'model.safetensors' } });
  expect(store.list()).toEqual(before);
  expect(store.has(root)).toBe(true);
  expect((await readdir(join(dir.path, 'blocks'))).every((name) => name.endsWith('.tb'))).toBe(true);
});

test('a quota that is too small is noticed before anything is written', async () => {
  await using dir = await temporaryDirectory();
  const checkpoint = await smallCheckpoint(dir.path);
  await using store = new BlockStore({ dir: join(dir.path, 'blocks'), quotaBytes: 500_000 }, { logger: silentLogger });
  await store.start();
  const error = await rejection(importCheckpoint({ dir: checkpoint, store, dtype: 'f32' }));
  expect(error.code).toBe('ERR_MODEL_DISK_SPACE');
  expect(await readdir(join(dir.path, 'blocks'))).toEqual([]);
});

describe('refuses, leaving nothing behind,', () => {
  const refused = async (damage: (checkpoint: string) => Promise<void>, options: object = {}) => {
    await using dir = await temporaryDirectory();
    const checkpoint = join(dir.path, 'golden');
    await cp(goldenDir('qwen2_moe'), checkpoint, { recursive: true });
    await damage(checkpoint);
    await using store = await openStore(dir.path);
    const error = await rejection(importCheckpoint({ dir: checkpoint, store, dtype: 'f32', ...options }));
    expect(await readdir(join(dir.path, 'blocks'))).toEqual([]);
    return error;
  };
  const edit = (file: string, change: (text: string) => string) => async (checkpoint: string) => {
    const path = join(checkpoint, file);
    await writeFile(path, change(await readFile(path, 'latin1')), 'latin1');
  };
  const config = (change: object) => edit('config.json', (text) => JSON.stringify({ ...JSON.parse(text), ...change }));
  const rename = (from: string, to: string) => edit('model.safetensors', (text) => text.replace(from, to));

  test.each<[string, (checkpoint: string) => Promise<void>, string, object]>([
    ['an unknown architecture', config({ model_type: 'gpt2' }), 'ERR_MODEL_UNSUPPORTED', { field: 'model_type' }],
    [
      'a tensor of another shape',
      config({ moe_intermediate_size: 97 }),
      'ERR_MODEL_TENSOR_SHAPE',
      { tensor: 'model.layers.0.mlp.experts.0.gate_proj.weight' },
    ],
    [
      'a missing tensor',
      rename('layers.2.input_layernorm.weight', 'layers.2.input_layernorm.wEight'),
      'ERR_MODEL_TENSOR_MISSING',
      { tensor: 'model.layers.2.input_layernorm.weight' },
    ],
    [
      'a tensor nothing would use',
      config({ num_hidden_layers: 2 }),
      'ERR_MODEL_UNSUPPORTED',
      { tensor: expect.stringContaining('model.layers.2.') },
    ],
    [
      'a truncated file',
      (checkpoint) => truncate(join(checkpoint, 'model.safetensors'), 1_000_000),
      'ERR_MODEL_SAFETENSORS',
      { file: 'model.safetensors', tensor: expect.any(String) },
    ],
    ['a broken config.json', edit('config.json', () => '{'), 'ERR_MODEL_CHECKPOINT', { file: 'config.json' }],
    ['a broken tokenizer.json', edit('tokenizer.json', () => '{}'), 'ERR_MODEL_TOKENIZER', {}],
  ])('%s', async (_, damage, code, meta) => {
    expect(await refused(damage)).toMatchObject({ code, meta });
  });

  test.each<[object, string]>([
    [{ dtype: 'i3' }, 'ERR_MODEL_OPTIONS'],
    [{ name: 'a b' }, 'ERR_MODEL_OPTIONS'],
    [{ name: 'f'.repeat(64) }, 'ERR_MODEL_OPTIONS'],
    [{ sliceBudgetBytes: 100 }, 'ERR_MODEL_OPTIONS'],
    [{ dir: '/nowhere' }, 'ERR_MODEL_CHECKPOINT'],
  ])('the options %j', async (options, code) => {
    expect((await refused(async () => {}, options)).code).toBe(code);
  });
});
