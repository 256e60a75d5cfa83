import { cp, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeCanonical } from '@blyan/codec';
import { PROTOCOL_PARAMS } from '@blyan/params';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  assertProtocolParams,
  buildGenesis,
  decodeGenesis,
  encodeGenesis,
  privateGenesis,
  verifyGenesis,
} from '../src/index.ts';

const FOLDER = fileURLToPath(new URL('../../../genesis', import.meta.url));
const salt = new Uint8Array(16).fill(7);

describe('a changed copy of the folder', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'genesis-'));
    await cp(FOLDER, dir, { recursive: true, filter: (path) => !path.endsWith('.safetensors') });
    await writeFile(join(dir, 'model/model.safetensors'), 'weights');
  });
  afterEach(() => rm(dir, { recursive: true }));
  const fileError = (file: string) => expect.objectContaining({ code: 'ERR_CHAIN_GENESIS_FILE', meta: { file } });
  const contentError = (file: string) => expect.objectContaining({ code: 'ERR_CHAIN_GENESIS_CONTENT', meta: { file } });

  test('has the same hash elsewhere, later, and created in another order', async () => {
    const first = await buildGenesis(dir);
    const old = new Date(0);
    await utimes(join(dir, 'pact.md'), old, old);
    await rename(join(dir, 'pact.json'), join(dir, 'model/x'));
    await rename(join(dir, 'model/x'), join(dir, 'pact.json'));
    const again = await buildGenesis(dir);
    expect(again.hash).toBe(first.hash);
    expect(again.bytes).toEqual(first.bytes);
    expect(verifyGenesis(again.bytes, first.hash)).toEqual(first.genesis);
  });

  test.each([
    'pact.md',
    'model/model.safetensors',
    'model/tokenizer.json',
    'README.md',
  ])('one byte more in %s is another network', async (path) => {
    const { hash } = await buildGenesis(dir);
    await writeFile(join(dir, path), ' ', { flag: 'a' });
    expect((await buildGenesis(dir)).hash).not.toBe(hash);
  });

  test.each([
    'pact.md',
    'pact.json',
    'protocol.json',
    'validators.json',
    'README.md',
    'model',
  ])('without %s it is refused', async (name) => {
    await rm(join(dir, name), { recursive: true });
    await expect(buildGenesis(dir)).rejects.toEqual(fileError(name));
  });

  test.each(['notes.txt', '.hidden'])('%s does not belong', async (name) => {
    await writeFile(join(dir, name), '');
    await expect(buildGenesis(dir)).rejects.toEqual(fileError(name));
  });

  test('links, folders in model and a model without weights are refused', async () => {
    await symlink('/etc/hostname', join(dir, 'model/link.json'));
    await expect(buildGenesis(dir)).rejects.toEqual(fileError('link.json'));
    await rm(join(dir, 'model/link.json'));
    await rm(join(dir, 'model/model.safetensors'));
    await expect(buildGenesis(dir)).rejects.toEqual(fileError('model/'));
  });

  test('broken JSON, unknown fields, fractions and sums that do not add up are refused with the file and the field', async () => {
    const { genesis } = await buildGenesis(dir);
    if (genesis.access !== 'public') throw new Error('not public');
    const { pact } = genesis;
    const write = (value: unknown) => writeFile(join(dir, 'pact.json'), JSON.stringify(value));
    await writeFile(join(dir, 'pact.json'), '{');
    await expect(buildGenesis(dir)).rejects.toEqual(contentError('pact.json'));
    await write({ ...pact, extra: 1 });
    await expect(buildGenesis(dir)).rejects.toEqual(contentError('pact.json'));
    await write({ ...pact, uploads: { ...pact.uploads, workBits: 0.5 } });
    await expect(buildGenesis(dir)).rejects.toThrow('uploads.workBits');
    await write({ ...pact, voting: { ...pact.voting, commitSeconds: 1 } });
    await expect(buildGenesis(dir)).rejects.toThrow('add up to periodSeconds');
    await writeFile(join(dir, 'pact.json'), ' '.repeat(200_000));
    await expect(buildGenesis(dir)).rejects.toEqual(fileError('pact.json'));
  });

  test('a folder that is not there, and a cancelled build', async () => {
    await expect(buildGenesis(join(dir, 'none'))).rejects.toEqual(fileError(join(dir, 'none')));
    await expect(buildGenesis(dir, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});

const validator = { name: 'one', publicKey: 'cd'.repeat(32), weight: 1 };

describe('a private genesis', () => {
  test('is a function of its options and of the protocol', () => {
    const one = privateGenesis({ name: 'devnet', salt });
    expect(privateGenesis({ name: 'devnet', salt }).hash).toBe(one.hash);
    expect(one.genesis).toMatchObject({ access: 'private', protocol: PROTOCOL_PARAMS });
    const others = [
      privateGenesis({ name: 'other', salt }),
      privateGenesis({ name: 'devnet', salt: new Uint8Array(16) }),
      privateGenesis({ name: 'devnet', salt, modelRoot: 'ab'.repeat(32) }),
      privateGenesis({ name: 'devnet', salt, validators: [validator] }),
    ];
    expect(new Set([one, ...others].map(({ hash }) => hash)).size).toBe(5);
    for (const { bytes, hash, genesis } of others) expect(verifyGenesis(bytes, hash)).toEqual(genesis);
  });

  test.each([
    [{ name: '', salt }, 'name'],
    [{ name: 'x'.repeat(65), salt }, 'name'],
    [{ name: 'a/b', salt }, 'name'],
    [{ name: 'a', salt: new Uint8Array(15) }, 'salt'],
    [{ name: 'a', salt, modelRoot: 'AB' }, 'modelRoot'],
    [{ name: 'a', salt, validators: [{ ...validator, weight: 0 }] }, 'validators'],
  ])('%o is refused, naming %s', (options, field) => {
    expect(() => privateGenesis(options)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_GENESIS_OPTIONS' }));
    expect(() => privateGenesis(options)).toThrow(field);
  });
});

describe('reading', () => {
  const { bytes, hash, genesis } = privateGenesis({ name: 'devnet', salt });

  test('another hash is another network', () => {
    expect(() => verifyGenesis(bytes, 'ab'.repeat(32))).toThrow(
      expect.objectContaining({ code: 'ERR_CHAIN_GENESIS_HASH', meta: { expected: 'ab'.repeat(32), actual: hash } }),
    );
  });

  test.each([
    ['an unknown field', { ...genesis, extra: 1 }],
    ['another version', { ...genesis, v: 2 }],
    ['another type', { ...genesis, type: 'x' }],
    ['an unknown access', { ...genesis, access: 'secret' }],
    ['a list', []],
    ['null', null],
  ])('%s is refused', (_, value) => {
    const code = expect.objectContaining({ code: 'ERR_CHAIN_GENESIS_BYTES' });
    expect(() => decodeGenesis(encodeCanonical(value as never))).toThrow(code);
  });

  test('very long bytes are refused unread', () => {
    const code = expect.objectContaining({ code: 'ERR_CHAIN_GENESIS_BYTES' });
    expect(() => decodeGenesis(new Uint8Array(10_000_000))).toThrow(code);
  });

  test('a network with other protocol parameters is not followed, and the part is named', () => {
    expect(() => assertProtocolParams(genesis)).not.toThrow();
    const records = { ...genesis.protocol.records, ttlMs: 1 };
    const other = encodeGenesis({ ...genesis, protocol: { ...genesis.protocol, records } });
    expect(other.hash).not.toBe(hash);
    expect(() => assertProtocolParams(decodeGenesis(other.bytes))).toThrow(
      expect.objectContaining({ code: 'ERR_CHAIN_GENESIS_PARAMS', meta: { section: 'records' } }),
    );
  });
});
