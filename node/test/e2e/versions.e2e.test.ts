import { access, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelList, StateAnswer } from '@blyan/api';
import { temporaryDirectory, writeRandomCheckpoint } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockPath } from '../../src/data-dir/models.ts';
import { cli } from '../test-context.ts';
import { Daemon, flipByte } from './daemon.ts';
import { completionEvents } from './devnet.ts';

const SIZES = {
  architecture: 'qwen3_moe',
  hiddenSize: 64,
  layerCount: 2,
  expertCount: 4,
  contextLength: 8_192,
} as const;
const PROMPT = [7, 8, 9, 10];

const stack = new AsyncDisposableStack();
let dir = '';
let invite = '';
let first: Daemon;

async function start(name: string, ...args: string[]): Promise<Daemon> {
  const net = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--metrics', 'off', '--gateway', '127.0.0.1:0'];
  const daemon = new Daemon(['--data-dir', join(dir, name), '--host', 'all', ...net, ...args]);
  stack.defer(async () => void (await daemon.program.stop()));
  await daemon.untilReady();
  return daemon;
}

beforeAll(async () => {
  const temporary = stack.use(await temporaryDirectory('blyan-e2e-'));
  dir = temporary.path;
  await writeRandomCheckpoint({ dir: join(dir, 'genesis', 'model'), seed: 1, ...SIZES });
  await writeRandomCheckpoint({ dir: join(dir, 'next'), seed: 2, ...SIZES });
  first = await start('first', '--genesis-dir', join(dir, 'genesis'));
});
afterAll(() => stack.disposeAsync());

const rootsOf = ({ models }: StateAnswer) => models.map(({ root }) => root);
const ask = async (daemon: Daemon, model: string, prompt: readonly number[] = PROMPT) => {
  const blyan = { return_token_ids: true };
  const body = { model, prompt, max_tokens: 12, temperature: 0, ignore_eos: true, blyan };
  const { status, body: answer } = await daemon.complete(body);
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer.blyan.token_ids as readonly number[];
};
const onChain = async (daemon: Daemon, path: string) => (await daemon.request(`/api/v1/chain/${path}`)).body;

test('a network goes on from its chain when the model is gone from the genesis folder, and others join it', async () => {
  const before = await ask(first, 'blyan');
  expect(await onChain(first, 'head')).toMatchObject({ validators: 1, validates: true, pending: 0 });
  expect(await onChain(first, 'state/model/blyan')).toMatchObject({ value: { latest: '1.0.0' } });
  await first.program.stop();
  await rm(join(dir, 'genesis', 'model'), { recursive: true });

  first = await start('first', '--genesis-dir', join(dir, 'genesis'));
  ({ invite } = first.ready);
  expect(await ask(first, 'blyan')).toEqual(before);
  const joined = await start('joined', '--model', 'blyan', '--bootstrap', invite);
  const state = await joined.untilState(({ nodes }) => nodes.length === 2 && nodes.every((node) => node.registered));
  expect(rootsOf(state)).toEqual(rootsOf(await first.state()));
  expect(await ask(joined, 'blyan')).toEqual(before);
  expect(await onChain(joined, 'head')).toMatchObject({ validators: 1, validates: false });
});

test('a version that is published is served without a restart, and answers in flight finish on the one before', async () => {
  const [old] = rootsOf(await first.state());
  const source = join(dir, 'source');
  const imported = await cli(['model', 'import', join(dir, 'next'), '--name', 'blyan', '--data-dir', source, '--json']);
  const { root: next } = JSON.parse(imported.stdout.trim().split('\n').at(-1) as string);
  // Its root by itself: the chain does not know it yet.
  const publisher = await start('source', '--bootstrap', invite, '--model', next);
  expect(next).not.toBe(old);

  const body = {
    prompt: PROMPT,
    max_tokens: 4_000,
    temperature: 0,
    ignore_eos: true,
    blyan: { return_token_ids: true },
  };
  const answer = await fetch(`${first.ready.gateway}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'blyan', stream: true, ...body }),
  });
  const tokens: number[] = [];
  const reading = (async () => {
    for await (const { blyan } of completionEvents(answer))
      if (blyan?.token_id !== undefined) tokens.push(blyan.token_id);
  })();
  await expect.poll(() => tokens.length).toBeGreaterThan(10);

  const key = join(dir, 'first', 'keys', 'node.key');
  const gateway = ['--gateway', first.ready.gateway as string];
  const sent = await cli([
    'tx',
    'send',
    'model',
    'blyan',
    '--data-dir',
    source,
    '--key',
    key,
    ...gateway,
    '--wait',
    '--json',
  ]);
  expect(JSON.parse(sent.stdout)).toMatchObject({ name: 'blyan', version: '1.1.0', root: next });
  await first.untilState((state) => rootsOf(state)[0] === next);
  const given = tokens.length;
  expect(given).toBeLessThan(body.max_tokens);
  const list = (await first.request<ModelList>('/v1/models')).body;
  expect(list.data[0]).toMatchObject({ id: 'blyan', blyan: { root: next } });
  expect(await ask(first, 'blyan')).toEqual(await ask(publisher, next));

  await reading;
  expect(tokens).toHaveLength(body.max_tokens);
  // What came after the switch is what the old version says.
  const middle = Math.max(given, body.max_tokens - 100);
  expect(await ask(first, old as string, [...PROMPT, ...tokens.slice(0, middle)])).toEqual(
    tokens.slice(middle, middle + 12),
  );

  await first.untilState((state) => !rootsOf(state).includes(old as string));
  await first.untilState(({ nodes }) => nodes.some((node) => node.self && node.hosted.blocks > 8));
  await publisher.program.stop();
  await first.untilState(({ models }) => models[0]?.covered === true && models[0].root === next);
  expect((await ask(first, 'blyan')).length).toBe(12);
});

test('the roots of an expert are on the chain, and one record changes them', async () => {
  interface ExpertAnswer {
    readonly value: { readonly roots: string; readonly base: { readonly block: string } };
  }
  const roots = async () => ((await onChain(first, 'state/expert/blyan/0/1')) as ExpertAnswer).value;
  const before = await roots();
  // One slice: the block that this node computes the expert with.
  await access(blockPath(join(dir, 'first', 'blocks'), before.roots));
  const key = join(dir, 'first', 'keys', 'node.key');
  const changed = 'ab'.repeat(32);
  const args = ['--root', changed, '--key', key, '--gateway', first.ready.gateway as string, '--wait', '--json'];
  const sent = await cli(['tx', 'send', 'expert', 'blyan', '0', '1', ...args]);
  expect(sent, sent.stderr).toMatchObject({ code: 0 });
  const after = await roots();
  expect(after.roots).toBe(changed);
  expect(after.base.block).not.toBe(before.base.block);
});

test('a stopped chain is verified, exported and taken in elsewhere; a flipped byte is found by name', async () => {
  const { height } = (await onChain(first, 'head')) as { height: number };
  const folder = ['--data-dir', join(dir, 'first')];
  expect(await cli(['chain', 'verify', ...folder])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('in use'),
  });
  await first.program.stop();
  expect(await cli(['chain', 'verify', ...folder])).toMatchObject({
    code: 0,
    stdout: `The chain is sound up to height ${height}: every block executed again.\n`,
  });
  expect(JSON.parse((await cli(['chain', 'snapshot', '--json', ...folder])).stdout)).toEqual({
    heights: [],
    next: 256,
  });

  const file = join(dir, 'chain.bin');
  expect((await cli(['chain', 'export', file, ...folder])).code).toBe(0);
  expect((await cli(['chain', 'export', file, ...folder])).code).toBe(1);
  const copy = ['--data-dir', join(dir, 'copy')];
  expect((await cli(['chain', 'import', file, ...copy])).stderr).toContain('no network');
  await copyFile(join(dir, 'first', 'genesis.cbor'), join(dir, 'copy', 'genesis.cbor'));
  const taken = await cli(['chain', 'import', file, '--json', ...copy]);
  expect(JSON.parse(taken.stdout)).toEqual({ height, imported: height });
  expect((await cli(['chain', 'verify', ...copy])).code).toBe(0);

  const bytes = await readFile(file);
  bytes[bytes.length - 100] = (bytes[bytes.length - 100] as number) ^ 1;
  await writeFile(file, bytes);
  await mkdir(join(dir, 'other'));
  await copyFile(join(dir, 'first', 'genesis.cbor'), join(dir, 'other', 'genesis.cbor'));
  expect(await cli(['chain', 'import', file, '--data-dir', join(dir, 'other')])).toMatchObject({ code: 1 });

  const chainDir = join(dir, 'copy', 'chain');
  // Opening the store has left an empty log beside the table.
  const data = (await readdir(chainDir)).find((name) => name.endsWith('.ldb')) as string;
  await flipByte(join(chainDir, data));
  const found = await cli(['chain', 'verify', ...copy]);
  expect(found).toMatchObject({ code: 1, stderr: expect.stringContaining(data) });
});
