import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@blyan/interface';
import { goldenDir, temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataDir } from '../src/data-dir/data-dir.ts';
import { findModel } from '../src/data-dir/models.ts';
import { parseDevnetOptions } from '../src/devnet/devnet-options.ts';
import { prepareDevnet } from '../src/devnet/prepare.ts';

let dir: Awaited<ReturnType<typeof temporaryDirectory>>;
let checkpoint: string;
beforeAll(async () => {
  dir = await temporaryDirectory();
  checkpoint = join(dir.path, 'tiny');
  await mkdir(checkpoint);
  const golden = goldenDir('mixtral');
  for (const name of await readdir(golden)) await copyFile(join(golden, name), join(checkpoint, name));
});
afterAll(() => dir[Symbol.asyncDispose]());

async function prepare(typed: Record<string, unknown>, logger: Logger = silentLogger) {
  let imported = 0;
  const options = parseDevnetOptions({ model: 'tiny', dataDir: 'net', ...typed }, dir.path);
  await using dataDir = await openDataDir(options.dataDir, process.pid);
  const prepared = await prepareDevnet(options, dataDir, {
    logger,
    signal: new AbortController().signal,
    pid: process.pid,
    cwd: dir.path,
    onImportProgress: () => {
      imported += 1;
    },
  });
  return { ...prepared, imported };
}

const blocksOf = async (node: { dataDir: string }) =>
  (await readdir(join(node.dataDir, 'blocks'))).filter((name) => name.endsWith('.tb')).map((name) => name.slice(0, -3));

/** Changes one byte in the middle of a file and leaves its length. */
async function damage(path: string): Promise<void> {
  await chmod(path, 0o644);
  const bytes = await readFile(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  await writeFile(path, bytes);
}

const hashOf = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

test('each daemon gets the manifest and the blocks of its share; no expert is held twice; a second time nothing is imported', async () => {
  const first = await prepare({});
  expect(first.imported).toBeGreaterThan(0);
  expect(first.nodes).toHaveLength(3);
  const manifest = await findModel(join(dir.path, 'net', 'blocks'), 'tiny');
  expect(manifest.root).toBe(first.modelRoot);
  const held = await Promise.all(first.nodes.map(blocksOf));
  for (const roots of held) expect(roots).toContain(manifest.root);
  for (const { kind, root } of manifest.blocks) {
    const holders = held.filter((roots) => roots.includes(root)).length;
    if (kind === 'trunk') expect(holders).toBeGreaterThan(0);
    else expect(holders).toBe(1);
  }
  expect(held[0]).toEqual(
    expect.arrayContaining(manifest.blocks.filter(({ kind }) => kind === 'trunk').map(({ root }) => root)),
  );
  const genesis = await readFile(join(dir.path, 'net', 'genesis.cbor'));
  for (const node of first.nodes) expect(await readFile(join(node.dataDir, 'genesis.cbor'))).toEqual(genesis);

  const second = await prepare({});
  expect(second).toMatchObject({ modelRoot: first.modelRoot, imported: 0 });
  expect(await readFile(join(dir.path, 'net', 'genesis.cbor'))).toEqual(genesis);
});

test('a block damaged in a daemon folder is replaced; one damaged in the import is imported again', async () => {
  const { nodes, modelRoot } = await prepare({});
  const manifest = await findModel(join(dir.path, 'net', 'blocks'), modelRoot);
  const expert = manifest.blocks.find(({ kind }) => kind === 'expert') as { root: string };
  const holder = nodes[(await Promise.all(nodes.map(blocksOf))).findIndex((roots) => roots.includes(expert.root))];
  const path = join(holder?.dataDir as string, 'blocks', `${expert.root}.tb`);
  const source = join(dir.path, 'net', 'blocks', `${expert.root}.tb`);
  const sound = await hashOf(path);

  await damage(path);
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  expect((await prepare({}, logger)).imported).toBe(0);
  expect(await hashOf(path)).toBe(sound);
  expect(warnings).not.toEqual([]);

  await damage(path);
  await damage(source);
  expect((await prepare({}, logger)).imported).toBeGreaterThan(0);
  expect(await hashOf(path)).toBe(sound);
  expect(await hashOf(source)).toBe(sound);
});

test('host specs decide who holds what, and must fit the model', async () => {
  const { nodes } = await prepare({ dataDir: 'two', nodes: '2', host: 'all;none' });
  const [everything, nothing] = await Promise.all(nodes.map(blocksOf));
  const manifest = await findModel(join(dir.path, 'two', 'blocks'), 'tiny');
  expect(everything).toHaveLength(manifest.blocks.length + 1);
  expect(nothing).toEqual([manifest.root]);
  await expect(prepare({ nodes: '1', host: 'layers:0-99' })).rejects.toMatchObject({ code: 'ERR_ROUTING_HOST_SPEC' });
});

test('a model is found by its root, an unknown one is named together with those that are there', async () => {
  const { modelRoot } = await prepare({});
  expect(await prepare({ model: modelRoot.slice(0, 12) })).toMatchObject({ imported: 0, modelRoot });
  await expect(prepare({ model: 'absent' })).rejects.toMatchObject({
    code: 'ERR_NODE_MODEL_NOT_FOUND',
    message: expect.stringContaining('tiny'),
  });
});

test('a checkpoint that changed is imported anew', async () => {
  const before = await prepare({});
  const config = join(checkpoint, 'config.json');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('{', '{ "unused_field": 1,'));
  expect((await stat(config)).size).toBeGreaterThan(text.length);
  const after = await prepare({});
  expect(after.imported).toBeGreaterThan(0);
  expect(after.modelRoot).not.toBe(before.modelRoot);
});
