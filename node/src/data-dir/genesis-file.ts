import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import {
  assertProtocolParams,
  decodeGenesis,
  type Genesis,
  type GenesisValidator,
  MAX_GENESIS_BYTES,
  privateGenesis,
} from '@blyan/chain';
import { decodeCanonical } from '@blyan/codec/canonical';
import { sha256, toHex } from '@blyan/crypto';
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
 * @param validators those of a new network
 * @throws ERR_CHAIN_GENESIS_BYTES when what is there is no genesis, ERR_NODE_OLD_GENESIS when this version cannot follow it
 */
export async function ensurePrivateGenesis(
  path: string,
  name: string,
  validators: readonly GenesisValidator[],
): Promise<Uint8Array> {
  const known = await readGenesisFile(path);
  if (known !== null) {
    readGenesis(known, path);
    return known;
  }
  const { bytes } = privateGenesis({ name, salt: randomBytes(SALT_BYTES), validators });
  await writeFileAtomic(path, bytes, 0o644);
  return bytes;
}

/**
 * The genesis of a data folder, if this version follows it.
 * @throws ERR_NODE_OLD_GENESIS naming the network and the one this version would found in its place; ERR_CHAIN_GENESIS_BYTES
 */
export function readGenesis(bytes: Uint8Array, path: string): Genesis {
  try {
    const genesis = decodeGenesis(bytes);
    assertProtocolParams(genesis);
    return genesis;
  } catch (cause) {
    const successor = successorOf(bytes);
    if (successor === null) throw cause;
    const message =
      `${path} founds network ${toHex(sha256(bytes))} on rules that this version does not follow (${(cause as Error).message} ` +
      `By its own rules the same network would be ${successor}). Run it with the version that founded it, or move ${path} and ` +
      'the folder "chain" beside it away: the next start founds a new network with the models that are stored.';
    throw new NodeError('ERR_NODE_OLD_GENESIS', message, { kind: 'caller', cause });
  }
}

/** Hash of the private genesis of this name and salt under the rules of this version; null for bytes that were never one. */
function successorOf(bytes: Uint8Array): string | null {
  try {
    const fields = decodeCanonical(bytes, { maxBytes: MAX_GENESIS_BYTES }) as Record<string, unknown>;
    if (fields.type !== 'blyan/genesis' || fields.access !== 'private') return null;
    const { name, salt, validators } = fields as unknown as Parameters<typeof privateGenesis>[0];
    return privateGenesis({ name, salt, validators }).hash;
  } catch {
    return null;
  }
}
