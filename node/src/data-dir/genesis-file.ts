import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { decodeGenesis, MAX_GENESIS_BYTES, privateGenesis } from '@blyan/chain';
import { errorCode } from '@blyan/interface';
import { NodeError } from '../errors.ts';
import { writeFileAtomic } from './atomic-file.ts';

const SALT_BYTES = 32;

/**
 * The bytes of a genesis file, not decoded; null when there is none.
 * @throws ERR_NODE_MISSING_FILE when it cannot be read or is longer than any genesis
 */
export async function readGenesisFile(path: string): Promise<Uint8Array | null> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(new Uint8Array(MAX_GENESIS_BYTES + 1), 0, MAX_GENESIS_BYTES + 1, 0);
    if (bytesRead <= MAX_GENESIS_BYTES) return buffer.slice(0, bytesRead);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw new NodeError('ERR_NODE_MISSING_FILE', `${path} cannot be read (${errorCode(error)}).`, {
      kind: 'caller',
      cause: error,
    });
  }
  throw new NodeError('ERR_NODE_MISSING_FILE', `${path} is longer than any genesis.`, { kind: 'caller' });
}

/**
 * The genesis a folder holds or, the first time, a new private one: a network of its own that no other node is in.
 * @throws ERR_CHAIN_GENESIS_BYTES when what is there is no genesis
 */
export async function ensurePrivateGenesis(path: string, name: string): Promise<Uint8Array> {
  const known = await readGenesisFile(path);
  if (known !== null) {
    decodeGenesis(known);
    return known;
  }
  const { bytes } = privateGenesis({ name, salt: randomBytes(SALT_BYTES) });
  await writeFileAtomic(path, bytes, 0o644);
  return bytes;
}
