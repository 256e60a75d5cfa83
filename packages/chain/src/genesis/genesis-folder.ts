import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChainError } from '../errors.ts';
import { MAX_GENESIS_FILES } from './genesis-schema.ts';

/** The files a genesis folder consists of, besides those in `model/`. */
const RULE_FILES = ['README.md', 'pact.json', 'pact.md', 'protocol.json', 'validators.json'];
const MODEL_FOLDER = 'model';
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const MAX_RULE_BYTES = 131_072;
const CHUNK_BYTES = 1_048_576;

export interface GenesisFile {
  /** With `/`, relative to the folder. */
  readonly path: string;
  readonly byteLength: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/**
 * The paths of a genesis folder, sorted by code unit whatever the platform lists first.
 * @throws ChainError ERR_CHAIN_GENESIS_FILE, `meta.file` names what is missing or does not belong
 */
export async function listGenesisFiles(dir: string): Promise<string[]> {
  const rules = await entries(dir, (name) => (name === MODEL_FOLDER ? 'folder' : RULE_FILES.includes(name) && 'file'));
  for (const name of [...RULE_FILES, MODEL_FOLDER]) {
    if (!rules.includes(name)) throw unfit(name, 'is missing');
  }
  const model = await entries(join(dir, MODEL_FOLDER), (name) => FILE_NAME.test(name) && 'file');
  if (!model.some((name) => name.endsWith('.safetensors'))) throw unfit(`${MODEL_FOLDER}/`, 'holds no weights');
  const paths = [...rules.filter((name) => name !== MODEL_FOLDER), ...model.map((name) => `${MODEL_FOLDER}/${name}`)];
  if (paths.length > MAX_GENESIS_FILES) throw unfit(`${MODEL_FOLDER}/`, `holds more than ${MAX_GENESIS_FILES} files`);
  return paths.sort();
}

async function entries(dir: string, expected: (name: string) => 'file' | 'folder' | false): Promise<string[]> {
  const found = await readdir(dir, { withFileTypes: true }).catch((cause: unknown) => {
    throw unfit(dir, 'cannot be read', cause);
  });
  return found.map((entry) => {
    // A link could point anywhere: its content would not be the folder's.
    const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other';
    if (expected(entry.name) !== kind) throw unfit(entry.name, 'does not belong in a genesis folder; remove it');
    return entry.name;
  });
}

/** Length and hash of a file of any size, read in chunks. */
export async function hashGenesisFile(dir: string, path: string, signal?: AbortSignal): Promise<GenesisFile> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  let byteLength = 0;
  await using file = await open(join(dir, path)).catch((cause: unknown) => {
    throw unfit(path, 'cannot be read', cause);
  });
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
    if (bytesRead === 0) return { path, byteLength, sha256: hash.digest('hex') };
    hash.update(chunk.subarray(0, bytesRead));
    byteLength += bytesRead;
  }
}

/**
 * Reads one of the JSON files.
 * @throws ChainError ERR_CHAIN_GENESIS_FILE when it is unreadable or too long; ERR_CHAIN_GENESIS_CONTENT when it is no JSON
 */
export async function readGenesisJson(dir: string, path: string, byteLength: number): Promise<unknown> {
  if (byteLength > MAX_RULE_BYTES) throw unfit(path, `is longer than ${MAX_RULE_BYTES} bytes`);
  const text = await readFile(join(dir, path), 'utf8').catch((cause: unknown) => {
    throw unfit(path, 'cannot be read', cause);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ChainError('ERR_CHAIN_GENESIS_CONTENT', `${path} is not JSON.`, { meta: { file: path }, cause });
  }
}

function unfit(file: string, what: string, cause?: unknown): ChainError {
  return new ChainError('ERR_CHAIN_GENESIS_FILE', `Genesis file ${file} ${what}.`, { meta: { file }, cause });
}
