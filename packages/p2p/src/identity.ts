import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, type PeerId } from '@blyan/interface';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { P2pError } from './errors.ts';

/** libp2p's protobuf form of an ed25519 private key: 08 01 12 40, seed, public key. */
export const IDENTITY_FILE_BYTES = 68;
const PREFIX = Buffer.from([0x08, 0x01, 0x12, 0x40]);
const PRIVATE_MODE = 0o600;

export interface Identity {
  readonly privateKey: Ed25519PrivateKey;
  readonly peerId: PeerId;
}

export async function generateIdentity(): Promise<Identity> {
  return toIdentity(await generateKeyPair('Ed25519'));
}

/**
 * The node's persistent identity: read from the file, or created there with mode 0600 when it is missing. Two processes
 * that start at once agree on one key.
 *
 * @throws P2pError ERR_P2P_IDENTITY when the file is not such a key; it is left as it is
 */
export async function loadOrCreateIdentity(path: string): Promise<Identity> {
  const existing = await readIdentity(path);
  if (existing !== null) return existing;
  const identity = await generateIdentity();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', PRIVATE_MODE);
    try {
      await file.writeFile(privateKeyToProtobuf(identity.privateKey));
      await file.sync();
    } finally {
      await file.close();
    }
    // link, unlike rename, never replaces a key that another process created meanwhile.
    await link(temporary, path);
    return identity;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const theirs = await readIdentity(path);
    if (theirs === null) throw error;
    return theirs;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function readIdentity(path: string): Promise<Identity | null> {
  let info: Awaited<ReturnType<typeof stat>>;
  try {
    info = await stat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  if (info.size !== IDENTITY_FILE_BYTES) throw badIdentity(path);
  if ((info.mode & 0o077) !== 0) await chmod(path, PRIVATE_MODE);
  const bytes = await readFile(path);
  if (bytes.byteLength !== IDENTITY_FILE_BYTES || !bytes.subarray(0, PREFIX.byteLength).equals(PREFIX))
    throw badIdentity(path);
  try {
    const key = privateKeyFromProtobuf(bytes);
    if (key.type === 'Ed25519') return toIdentity(key);
  } catch (cause) {
    throw badIdentity(path, cause);
  }
  throw badIdentity(path);
}

function toIdentity(privateKey: Ed25519PrivateKey): Identity {
  return { privateKey, peerId: peerIdFromPrivateKey(privateKey).toString() };
}

function badIdentity(path: string, cause?: unknown): P2pError {
  const message = `${path} is not an ed25519 identity of this program; restore it from a backup, or move it away to get a new identity.`;
  return new P2pError('ERR_P2P_IDENTITY', message, { kind: 'caller', meta: { path }, cause });
}
