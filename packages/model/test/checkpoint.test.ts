import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { describe, expect, test } from 'vitest';
import { Checkpoint } from '../src/index.ts';
import { rejection } from './harness.ts';
import { safetensorsBytes, writeBytes } from './safetensors-file.ts';

const tensor = (dtype: string, shape: number[], from: number, to: number) => ({
  dtype,
  shape,
  data_offsets: [from, to],
});
const TWO = { a: tensor('F32', [2, 2], 0, 16), b: tensor('BF16', [3], 16, 22), __metadata__: { format: 'pt' } };
const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

test('reads tensors of a single file in pieces', async () => {
  await using dir = await temporaryDirectory();
  await writeBytes(
    join(dir.path, SINGLE),
    safetensorsBytes(
      TWO,
      Uint8Array.from({ length: 22 }, (_, i) => i),
    ),
  );
  await using checkpoint = await Checkpoint.open(dir.path);
  expect(checkpoint.names()).toEqual(['a', 'b']);
  expect(checkpoint.tensor('b', [3])).toMatchObject({ dtype: 'bf16', file: SINGLE, byteLength: 6 });
  expect([...(await checkpoint.read(checkpoint.tensor('a', [2, 2]), 14, new Uint8Array(2)))]).toEqual([14, 15]);
});

test('reads shards by their index', async () => {
  await using dir = await temporaryDirectory();
  await writeBytes(
    join(dir.path, 'x.safetensors'),
    safetensorsBytes({ a: tensor('F16', [1], 0, 2) }, Uint8Array.of(1, 2)),
  );
  await writeBytes(
    join(dir.path, 'y.safetensors'),
    safetensorsBytes({ b: tensor('F16', [1], 0, 2) }, Uint8Array.of(3, 4)),
  );
  await writeBytes(join(dir.path, INDEX), JSON.stringify({ weight_map: { a: 'x.safetensors', b: 'y.safetensors' } }));
  await using checkpoint = await Checkpoint.open(dir.path);
  expect([...(await checkpoint.read(checkpoint.tensor('b', [1]), 0, new Uint8Array(2)))]).toEqual([3, 4]);
});

test('names file and tensor when one is missing, misshapen or of a foreign dtype', async () => {
  await using dir = await temporaryDirectory();
  const header = { a: tensor('F32', [2, 2], 0, 16), c: tensor('I8', [4], 16, 20) };
  await writeBytes(join(dir.path, SINGLE), safetensorsBytes(header, new Uint8Array(20)));
  await using checkpoint = await Checkpoint.open(dir.path);
  const thrown = (name: string, shape: number[], code: string) =>
    expect(() => checkpoint.tensor(name, shape)).toThrow(
      expect.objectContaining({
        code,
        meta: expect.objectContaining({ tensor: name }),
        message: expect.stringContaining(name),
      }),
    );
  thrown('z', [1], 'ERR_MODEL_TENSOR_MISSING');
  thrown('a', [4], 'ERR_MODEL_TENSOR_SHAPE');
  thrown('a', [2, 3], 'ERR_MODEL_TENSOR_SHAPE');
  thrown('c', [4], 'ERR_MODEL_TENSOR_DTYPE');
});

describe('refuses a file that', () => {
  const open = async (bytes: Uint8Array) => {
    await using dir = await temporaryDirectory();
    await writeBytes(join(dir.path, SINGLE), bytes);
    return await rejection(Checkpoint.open(dir.path).then((checkpoint) => checkpoint.close()));
  };

  test.each<[string, Uint8Array, RegExp]>([
    ['is empty', new Uint8Array(0), /truncated/],
    ['ends in the header', safetensorsBytes(TWO, new Uint8Array(0), 5_000), /truncated/],
    ['claims a header of exabytes', safetensorsBytes(TWO, new Uint8Array(22), 2 ** 60), /truncated|header/],
    ['ends in a tensor', safetensorsBytes(TWO, new Uint8Array(20)), /"b" ends 2 bytes after the end/],
    ['has bytes after the last tensor', safetensorsBytes(TWO, new Uint8Array(23)), /1 bytes after the last/],
    ['has no JSON header', safetensorsBytes('nonsense', new Uint8Array(0)), /not JSON/],
    ['has a list for a header', safetensorsBytes([], new Uint8Array(0)), /not an object/],
    [
      'has overlapping tensors',
      safetensorsBytes({ a: tensor('U8', [4], 0, 4), b: tensor('U8', [4], 2, 6) }, new Uint8Array(6)),
      /overlaps/,
    ],
    [
      'has a hole',
      safetensorsBytes({ a: tensor('U8', [4], 0, 4), b: tensor('U8', [2], 6, 8) }, new Uint8Array(8)),
      /unused bytes/,
    ],
    [
      'has a length that does not fit its shape',
      safetensorsBytes({ a: tensor('F32', [2], 0, 4) }, new Uint8Array(4)),
      /not as long/,
    ],
    ['has a negative extent', safetensorsBytes({ a: tensor('U8', [-2, -2], 0, 4) }, new Uint8Array(4)), /shape/],
    [
      'has an extent beyond integers',
      safetensorsBytes({ a: tensor('U8', [2 ** 40, 2 ** 40], 0, 4) }, new Uint8Array(4)),
      /shape/,
    ],
    [
      'has an inherited name for a dtype',
      safetensorsBytes({ a: tensor('constructor', [4], 0, 4) }, new Uint8Array(4)),
      /dtype/,
    ],
  ])('%s', async (_, bytes, message) => {
    const error = await open(bytes);
    expect(error).toMatchObject({ code: 'ERR_MODEL_SAFETENSORS', meta: { file: SINGLE } });
    expect(error.message).toMatch(message);
  });
});

describe('refuses a folder whose', () => {
  const open = async (weightMap: unknown) => {
    await using dir = await temporaryDirectory();
    await writeBytes(
      join(dir.path, 'x.safetensors'),
      safetensorsBytes({ a: tensor('F16', [1], 0, 2) }, new Uint8Array(2)),
    );
    await writeBytes(join(dir.path, INDEX), JSON.stringify({ weight_map: weightMap }));
    return await rejection(Checkpoint.open(dir.path).then((checkpoint) => checkpoint.close()));
  };

  test.each([
    '../x.safetensors',
    '/etc/passwd',
    'sub/x.safetensors',
    '..\\x.safetensors',
    '.x.safetensors',
    'x.bin',
    '',
    7,
  ])('index points to %j', async (file) => {
    expect(await open({ a: file })).toMatchObject({ code: 'ERR_MODEL_CHECKPOINT', meta: { file: INDEX } });
  });

  test('shard is missing', async () => {
    expect(await open({ a: 'y.safetensors' })).toMatchObject({
      code: 'ERR_MODEL_CHECKPOINT',
      meta: { file: 'y.safetensors' },
    });
  });

  test('shard lacks a tensor of the index', async () => {
    expect(await open({ a: 'x.safetensors', b: 'x.safetensors' })).toMatchObject({
      code: 'ERR_MODEL_TENSOR_MISSING',
      meta: { file: 'x.safetensors', tensor: 'b' },
    });
  });

  test('weights are missing, or are no file', async () => {
    await using dir = await temporaryDirectory();
    expect(await rejection(Checkpoint.open(dir.path))).toMatchObject({ code: 'ERR_MODEL_CHECKPOINT' });
    await mkdir(join(dir.path, SINGLE));
    expect(await rejection(Checkpoint.open(dir.path))).toMatchObject({ code: 'ERR_MODEL_CHECKPOINT' });
  });
});
